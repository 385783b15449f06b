"""The page: who is let in, and in Chromium that it shows what stands in the topics, to everybody."""

import io
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit

import av
import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from actors.page.wording import percent
from engine.transport.base import Outgoing
from schemas.cloudevents import event_headers, read_segment
from schemas.events import DialogueEvent, EmotionEvent
from schemas.labels import EMOTIONS
from schemas.segment import Recording
from schemas.topics import ALERTS, DIALOGUES, LIFECYCLE_TYPE, SEGMENT_TYPE, SEGMENTS, TURNS
from tests.actors.gateway.opened import LISTENER, OWNER
from tests.browser.access import headings, nameless, poor_contrast, small, stops
from tests.browser.recorded import recorded
from tests.browser.shown import WAIT_MS

CALL, MEETING = "sample-call", "sample-meeting"


def cells(page) -> list[list[str]]:
    """The table of turns as it is read, the newest first."""
    return page.locator("tr[data-turn]").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText.trim()))"
    )


def test_without_a_token_nothing_is_shown(browser, gateway):
    context = browser.new_context()
    page = context.new_page()
    assert page.goto(gateway.at(f"dialogue/{CALL}")).status == 401
    page.get_by_label("Token").fill("somebody else's")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for(timeout=WAIT_MS)
    assert "not known" in page.get_by_role("alert").inner_text()
    context.close()


@pytest.fixture
def visitor(gateway):
    with httpx2.Client(base_url=gateway.at(""), trust_env=False) as visitor:
        yield visitor


def test_a_token_becomes_a_session_in_a_cookie_that_scripts_and_other_sites_cannot_use(visitor):
    answer = visitor.post("session", data={"token": OWNER})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert OWNER not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/page"} <= set(cookie.split("; "))
    page = visitor.get("")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert visitor.post("pass").json()["token"].startswith("pass.")
    visitor.post("sign-out")
    assert visitor.get("").status_code == 401


@pytest.mark.parametrize(("token", "why"), [("", "not known"), ("wrong", "not known"), (LISTENER, "may not read")])
def test_who_may_not_read_gets_no_session_and_hears_why(visitor, token, why):
    answer = visitor.post("session", data={"token": token})
    assert answer.status_code == 403
    assert why in answer.text
    assert "set-cookie" not in answer.headers


def test_without_a_session_there_is_no_pass_no_script_and_no_socket(gateway, visitor):
    assert visitor.post("pass").status_code == 403
    assert visitor.get("_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        connect(gateway.at("_nicegui_ws/socket.io/?EIO=4&transport=websocket").replace("http", "ws"))
    assert refused.value.response.status_code == 403


def test_a_pass_for_a_microphone_opens_no_page(gateway, visitor):
    visitor.post("session", data={"token": OWNER})
    lent = visitor.post("pass").json()["token"]
    with httpx2.Client(base_url=gateway.at(""), trust_env=False) as other:
        assert other.post("session", data={"token": lent}).status_code == 403


def test_a_replay_is_watched_and_its_numbers_are_those_of_the_topics(gateway, page):
    events = [event for event in recorded() if event.key == MEETING]
    turns = [EmotionEvent.model_validate_json(event.value) for event in events if event.topic == TURNS]
    page.goto(gateway.at(f"dialogue/{MEETING}"))
    page.get_by_role("heading", name="Summary").wait_for()
    assert cells(page) == []
    for event in events:
        gateway.log.broker.append(event)
    last = {turn.turn: turn for turn in turns if turn.turn is not None}
    # Topics are read side by side, so the end may be heard before the last turn.
    page.locator(f"tr[data-turn='{max(last)}']").wait_for()
    page.get_by_text("The dialogue has ended").wait_for()
    shown = {int(row[0]): row for row in cells(page)}
    assert [int(row[0]) for row in cells(page)] == sorted(last, reverse=True)
    for number, turn in last.items():
        row = page.locator(f"tr[data-turn='{number}']")
        assert turn.speaker in shown[number][2]
        assert turn.role in shown[number][2]
        if turn.label is not None:
            assert turn.label in shown[number][3]
        assert shown[number][4] == (percent(turn.confidence) if turn.confidence is not None else "")
        if turn.distribution is not None:
            told = " ".join(f"{emotion} {turn.distribution[emotion]:.2f}" for emotion in EMOTIONS)
            assert row.get_by_role("img").get_attribute("aria-label").strip() == told
            assert shown[number][6:9] == [
                f"{turn.valence:+.2f}",
                f"{turn.arousal:+.2f}",
                f"{turn.weights.audio:.2f} / {turn.weights.video:.2f}",
            ]
        assert ("said again" in shown[number][9]) == bool(turn.revision)
    (life,) = [DialogueEvent.model_validate_json(e.value) for e in events if e.topic == DIALOGUES][-1:]
    summed = page.get_by_role("region", name="Summary by speaker").locator("tbody tr")
    assert {row.split("\t")[0] for row in summed.all_inner_texts()} == set(life.speakers)


def test_withheld_turns_say_why_and_alerts_are_shown_and_read_out(gateway, page):
    events = [event for event in recorded() if event.key == CALL]
    page.goto(gateway.at(""))
    page.get_by_role("heading", name="Dialogues").wait_for()
    for event in events:
        gateway.log.broker.append(event)
    page.get_by_role("link", name=CALL).first.click()
    page.get_by_text("The dialogue has ended").wait_for()
    turns = [EmotionEvent.model_validate_json(event.value) for event in events if event.topic == TURNS]
    withheld = {turn.turn: turn.abstained_reason for turn in turns if turn.abstained == "withheld"}
    assert withheld
    page.locator(f"tr[data-turn='{turns[-1].turn}']").wait_for()
    for number, reason in withheld.items():
        assert page.locator(f"tr[data-turn='{number}']").get_by_text(f"withheld: {reason}").count() == 1
    fired = [event for event in events if event.topic == ALERTS]
    assert page.get_by_role("region", name="Alerts").get_by_role("listitem").count() == len(fired)


def test_a_new_turn_is_read_out_and_one_that_is_said_again_says_what_it_was(gateway, page):
    first = gateway.log.say("again", 0)
    page.goto(gateway.at("dialogue/again"))
    page.locator("tr[data-turn='0']").wait_for()
    again = first.model_copy(update={"event_id": "again", "revision": 1, "label": "anger"})
    gateway.log.broker.append(Outgoing(TURNS, "again", again.model_dump_json().encode()))
    page.get_by_text("before: joy").wait_for()
    assert page.get_by_role("log").inner_text() == "ann: anger, said again."
    assert len(cells(page)) == 1


def test_what_an_event_says_is_text_and_never_markup(gateway, page):
    gateway.log.say("hostile", 0, speaker="<img src=x onerror=alert(1)>")
    page.goto(gateway.at("dialogue/hostile"))
    page.locator("tr[data-turn='0']").wait_for()
    assert page.locator("img").count() == 0
    assert page.get_by_text("<img src=x onerror=alert(1)>").first.is_visible()


def test_the_keyboard_is_enough_and_a_screen_reader_finds_its_way(gateway, page):
    page.goto(gateway.at(""))
    page.get_by_role("heading", name="What is going on").wait_for()
    assert page.locator("html").get_attribute("lang") == "en-US"
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("group", name="Who speaks").wait_for()
    assert page.url == gateway.at("microphone")


def test_a_recording_shows_how_far_it_is_and_a_stream_claims_no_end(gateway, page):
    recording = Recording(duration_s=1000.0, speed=50.0)
    started = DialogueEvent(event_id="s", dialogue_id="played", status="started", recording=recording)
    headers = event_headers(event_id="s", event_type=LIFECYCLE_TYPE, dialogue_id="played", time=datetime.now(UTC))
    gateway.log.broker.append(Outgoing(DIALOGUES, "played", started.model_dump_json().encode(), headers))
    gateway.log.say("played", 10)
    page.goto(gateway.at("dialogue/played"))
    axis = page.locator("svg[data-played]")
    axis.wait_for()
    first = float(axis.get_attribute("data-played"))
    page.wait_for_function(
        f"Number(document.querySelector('svg[data-played]').dataset.played) > Math.max({first}, 21.5)"
    )
    # Turn 10 is 20.0 to 21.5 s of 1000.
    assert float(axis.get_attribute("data-newest")) == 21.5
    assert axis.get_attribute("aria-label").endswith(": the newest turn is 0:20 to 0:22.")
    gateway.log.say("streamed", 10)
    page.goto(gateway.at("dialogue/streamed"))
    page.get_by_text("nobody has said how long it is").wait_for()
    assert axis.get_attribute("data-played") == ""


@pytest.mark.parametrize("path", ["", f"dialogue/{CALL}", "microphone"])
def test_everybody_can_read_reach_and_hear_everything(gateway, page, path):
    for event in recorded():
        gateway.log.broker.append(event)
    page.emulate_media(reduced_motion="reduce")
    page.goto(gateway.at(path))
    page.get_by_role("heading", name="Alerts", exact=True).wait_for()
    page.locator("tr[data-dialogue], tr[data-turn], #microphone").first.wait_for()
    assert nameless(page) == []
    levels = headings(page)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    places, outlines = stops(page)
    assert sorted(places) == list(range(len(places)))
    assert "none" not in outlines
    assert small(page) == []
    for colours in ("Light", "Dark"):
        page.get_by_role("button", name=colours).click()
        page.locator("body.body--dark" if colours == "Dark" else "body:not(.body--dark)").wait_for()
        assert poor_contrast(page) == []


@pytest.mark.parametrize("path", ["", f"dialogue/{MEETING}", "microphone"])
def test_a_telephone_is_wide_enough_and_dark_stays_dark(gateway, page, path):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(gateway.at(path))
    page.get_by_role("heading").first.wait_for()
    page.get_by_role("button", name="Dark").click()
    page.locator("body.body--dark").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all(place["width"] <= 330 for one in page.locator("svg.position").all() if (place := one.bounding_box()))
    page.reload()
    page.locator("body.body--dark").wait_for()


def spoken_through(gateway, page, *, camera):
    """The first utterance that a visitor's browser sends: the segment and its media."""
    page.goto(gateway.at("microphone"))
    page.get_by_role("button", name="Speak into the microphone").click()
    page.get_by_label("Role").select_option("customer")
    page.get_by_label("I agree").check()
    if camera:
        page.get_by_label("With the camera").check()
    page.get_by_role("button", name="Speak into the microphone").click()
    page.get_by_text("Utterances sent: 1").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped. Utterances sent").wait_for()
    dialogue_id = page.locator("#microphone").get_attribute("data-dialogue")
    records = [record for record in gateway.log.broker.records(SEGMENTS) if record.key == dialogue_id]
    segments = ((read_segment(dialogue_id, record.headers), record.value) for record in records)
    return next((segment, media) for segment, media in segments if segment.type == SEGMENT_TYPE)


def test_what_is_said_into_the_microphone_becomes_segments_with_role_and_consent(gateway, page):
    segment, media = spoken_through(gateway, page, camera=False)
    assert (segment.speaker, segment.role, segment.consent) == ("you", "customer", True)
    with av.open(io.BytesIO(media)) as container:
        assert not container.streams.video


def test_with_the_camera_the_speakers_picture_goes_along(gateway, page):
    _, media = spoken_through(gateway, page, camera=True)
    with av.open(io.BytesIO(media)) as container:
        assert container.streams.audio
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    # Whoever speaks moves, and a camera that is covered shows nothing.
    assert pictures[0].std() > 20
    assert any((one != pictures[0]).any() for one in pictures)


def test_no_request_has_left_the_machine(asked_for):
    assert {urlsplit(url).hostname for url in asked_for} == {"127.0.0.1"}
    assert not any("token" in url for url in asked_for if url.startswith("ws"))
