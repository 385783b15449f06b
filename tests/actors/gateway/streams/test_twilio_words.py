"""Twilio's protocol without a socket: what it says in order is understood, everything else is refused by a code."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.streams.refusal import MALFORMED, POLICY, UNSUPPORTED, Refusal
from actors.gateway.streams.telephone import voices_of
from actors.gateway.streams.twilio import Over, Sound, TwilioCall
from engine.ingest.voices import Voice
from tests.actors.gateway.streams.doors import TOKEN, Twilio

EXAMPLES = int(os.environ.get("TURNTONE_FUZZ", "200"))
NAMES = ["event", "start", "media", "track", "payload", "timestamp", "sequenceNumber", "streamSid", "mark", "callSid"]


def begun(**said: str) -> tuple[TwilioCall, Twilio, list]:
    """A call that has started, and what the start meant."""
    call, meant = TwilioCall(), []
    twilio = Twilio(lambda text: meant.append(call.take(text)))
    twilio.connected()
    twilio.start(**said)
    return call, twilio, meant


def test_a_whole_call():
    _, twilio, meant = begun(inbound_role="customer", keep_open="true")
    twilio.media("inbound", 1, b"\x7f\xff", stamp_ms=40)
    twilio.mark("said")
    twilio.dtmf("5")
    twilio.stop()
    nothing, began, sound, *silent, over = meant
    assert nothing is None
    assert (began.call_sid, began.tracks, began.custom_parameters.token) == ("CA1", ("inbound", "outbound"), TOKEN)
    assert (began.custom_parameters.consent, began.custom_parameters.keep_open) == (True, True)
    assert sound == Sound("inbound", 0.04, b"\x7f\xff")
    assert silent == [None, None]
    assert over == Over()


def test_who_speaks_follows_from_the_parameters():
    _, _, meant = begun(inbound_role="customer", outbound_role="agent", inbound_speaker="ben")
    voices = voices_of(meant[1])
    assert voices.apart
    assert voices.tracks(2) == (Voice("ben", "customer", "0"), Voice("outbound", "agent", "1"))


def test_a_track_alone_is_nobodys_channel():
    meant = []
    call = TwilioCall()
    twilio = Twilio(lambda text: meant.append(call.take(text)), tracks=("outbound",))
    twilio.connected()
    twilio.start(outbound_role="agent")
    assert voices_of(meant[1]).tracks(1) == (Voice("outbound", "agent"),)


def test_an_event_nobody_knows_yet_is_passed_over():
    call, _, _ = begun()
    assert call.take('{"event": "weather", "sequenceNumber": "2", "streamSid": "MZ1"}') is None


def media(**said: object) -> str:
    fields = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": "f39/", **said}
    return json.dumps({"event": "media", "sequenceNumber": "2", "streamSid": "MZ1", "media": fields})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", MALFORMED),
        ("[]", MALFORMED),
        ('{"event": 5}', MALFORMED),
        ('{"event": "media"}', MALFORMED),
        ("{" * 10_000, MALFORMED),
        (media(payload="no base64!"), MALFORMED),
        (media(payload="f39"), MALFORMED),
        (media(payload="ä"), MALFORMED),
        (media(timestamp="soon"), MALFORMED),
        (media(timestamp="-1"), MALFORMED),
        (media(timestamp="1" * 30), MALFORMED),
        (media(track="sideways"), UNSUPPORTED),
        (media().replace('"2"', '"1"'), POLICY),
        (media().replace("MZ1", "MZ2"), POLICY),
        ('{"event": "connected"}', POLICY),
        ('{"event": "start", "sequenceNumber": "2"}', POLICY),
    ],
)
def test_what_is_wrong_is_refused_by_a_code(text, code):
    call, _, _ = begun()
    with pytest.raises(Refusal) as refused:
        call.take(text)
    assert refused.value.code == code
    assert len(refused.value.reason.encode()) <= 123


@pytest.mark.parametrize("event", ["start", "media", "mark", "stop", "dtmf", "weather"])
def test_nothing_comes_before_connected(event):
    with pytest.raises(Refusal, match="cannot come now: the stream is new"):
        TwilioCall().take(json.dumps({"event": event}))


@pytest.mark.parametrize("event", ["media", "mark", "stop", "connected"])
def test_nothing_but_start_comes_after_connected(event):
    call = TwilioCall()
    call.take('{"event": "connected"}')
    with pytest.raises(Refusal, match="cannot come now: the stream is connected"):
        call.take(json.dumps({"event": event}))


def test_nothing_comes_after_stop():
    _, twilio, _ = begun()
    twilio.stop()
    with pytest.raises(Refusal) as refused:
        twilio.media("inbound", 1, b"\x7f", stamp_ms=0)
    assert refused.value.code == POLICY


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"encoding": "audio/opus"}, UNSUPPORTED),
        ({"consent": "perhaps"}, MALFORMED),
        ({"inbound_speaker": "outbound"}, MALFORMED),
        ({"inbound_role": ""}, MALFORMED),
    ],
)
def test_a_start_that_cannot_be_taken(said, code):
    with pytest.raises(Refusal) as refused:
        begun(**said)
    assert refused.value.code == code
    assert TOKEN not in str(refused.value)


def test_a_track_that_start_has_not_named():
    call = TwilioCall()
    twilio = Twilio(call.take, tracks=("inbound",))
    twilio.connected()
    twilio.start()
    with pytest.raises(Refusal, match="a track that start has not named"):
        twilio.media("outbound", 1, b"\x7f", stamp_ms=0)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=5),
    max_leaves=12,
)
EVENTS = st.builds(
    lambda event, said: json.dumps({**said, "event": event}),
    st.sampled_from(["connected", "start", "media", "mark", "dtmf", "stop", "weather"]),
    st.dictionaries(st.sampled_from(NAMES), TREES, max_size=4),
)


@pytest.mark.fuzz
@settings(deadline=None, max_examples=EXAMPLES)
@given(st.lists(EVENTS | TREES.map(json.dumps) | st.text(max_size=40), min_size=1, max_size=5), st.booleans())
def test_garbage_is_refused_or_means_nothing(texts, started):
    refused = refusal_of(begun()[0] if started else TwilioCall(), texts)
    assert refused is None or refused.code in (MALFORMED, POLICY, UNSUPPORTED)
    assert refused is None or len(refused.reason.encode()) <= 123


def refusal_of(call: TwilioCall, texts: list[str]) -> Refusal | None:
    try:
        for text in texts:
            call.take(text)
    except Refusal as refused:
        return refused
    return None
