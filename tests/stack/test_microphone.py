"""The page of the real stack: a browser opens its microphone, and what is said into it comes back as a turn."""

import pytest

from actors.client import Client
from tests.browser.shown import WAIT_MS, chromium, seen, spoken

pytestmark = pytest.mark.stack


def test_what_is_said_into_the_microphone_stands_on_the_page_as_the_topic_tells_it(running, tmp_path):
    with chromium(spoken(tmp_path / "voice.wav"), seen(tmp_path / "face.mjpeg")) as browser:
        page = browser.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{running.gateway}/page/#token={running.token}")
        page.get_by_role("link", name="Speak into the microphone").click()
        page.get_by_label("Role").select_option("customer")
        page.get_by_label("I agree").check()
        page.get_by_role("button", name="Speak into the microphone").click()
        row = page.locator("tr[data-turn='0']")
        row.wait_for()
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("The dialogue has ended").wait_for()
        shown = row.inner_text()
        dialogue_id = page.locator("#microphone").get_attribute("data-dialogue")
    with Client(running.gateway, token=running.token) as client:
        first = client.dialogue(dialogue_id).turns[0]
    assert first.policy.allowed
    assert "you (customer)" in shown
    assert (first.label or "no label") in shown or (first.abstained or "") in shown.replace(" ", "_")
