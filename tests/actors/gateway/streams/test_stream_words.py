"""What is said on `/v1/streams`, without a socket; the limits and the clock of a dialogue."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.streams.limits import Meter, StreamLimits
from actors.gateway.streams.messages import read_start, read_stop
from actors.gateway.streams.origins import Origins
from actors.gateway.streams.refusal import AGAIN, MALFORMED, POLICY, TOO_BIG, Refusal
from engine.clock import ManualClock
from tests.actors.gateway.streams.doors import START, TOKEN

EXAMPLES = int(os.environ.get("TURNTONE_FUZZ", "200"))


def test_a_start():
    start = read_start(json.dumps({**START, "speaker": "anna", "role": "customer", "consent": True}))
    assert (start.speaker, start.role, start.consent, start.samples_hz) == ("anna", "customer", True, 16_000)
    assert TOKEN not in repr(start)
    assert read_start('{"type": "start", "dialogue_id": "d", "format": "mulaw"}').samples_hz == 8000
    assert read_stop('{"type": "stop"}').type == "stop"


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"type": "stop"}, "type"),
        ({"dialogue_id": "not an id"}, "dialogue_id"),
        ({"format": "mp3"}, "format"),
        ({"rate_hz": None}, "s16le needs rate_hz"),
        ({"rate_hz": 1_000_000}, "rate_hz"),
        ({"format": "mulaw"}, "mulaw comes at rate_hz 8000"),
        ({"format": "webm"}, "webm says its rate"),
        ({"channels": 3}, "channels"),
        ({"consnt": True}, "consnt: Extra inputs are not permitted"),
        ({"offset_s": -1}, "offset_s"),
        ({"speaker": ""}, "speaker"),
    ],
)
def test_a_wrong_start_is_told_which_field(said, names):
    with pytest.raises(Refusal, match=names) as refused:
        read_start(json.dumps({**START, **said}))
    assert refused.value.code == MALFORMED
    assert TOKEN not in str(refused.value)


@pytest.mark.fuzz
@settings(deadline=None, max_examples=EXAMPLES)
@given(st.text() | st.dictionaries(st.sampled_from([*START, "speaker", "x"]), st.text() | st.floats()).map(json.dumps))
def test_garbage_is_refused(text):
    for read in (read_start, read_stop):
        with pytest.raises(Refusal) as refused:
            read(text)
        assert len(refused.value.reason.encode()) <= 123


def test_a_reason_is_cut_between_letters():
    reason = Refusal(AGAIN, "busy", "ä" * 100).reason
    assert reason == "busy: " + "ä" * 58


def test_who_is_ahead_of_the_clock_hears_of_it_once_and_then_it_is_over():
    clock = ManualClock()
    meter = Meter(limits=StreamLimits(), clock=clock)
    clock.advance(100.0)
    assert meter.heard(109.0) is None
    warned = meter.heard(111.0)
    assert warned is not None
    assert warned.code == "ahead"
    assert meter.heard(112.0) is None
    with pytest.raises(Refusal, match="31 s ahead of the clock") as refused:
        meter.heard(131.0)
    assert (refused.value.code, refused.value.error) == (POLICY, "too-fast")


def test_bytes_and_time_have_limits():
    clock = ManualClock()
    meter = Meter(limits=StreamLimits(bytes_most=100, message_bytes_most=60, duration_most_s=50.0), clock=clock)
    meter.received(60)
    with pytest.raises(Refusal, match="at most 60 bytes, not 61") as refused:
        meter.received(61)
    assert refused.value.code == TOO_BIG
    with pytest.raises(Refusal, match="at most 100 bytes"):
        meter.received(10)
    later = Meter(limits=StreamLimits(duration_most_s=50.0), clock=clock)
    clock.advance(51.0)
    with pytest.raises(Refusal, match="at most 50 s"):
        later.received(1)
    with pytest.raises(Refusal, match="at most 50 s"):
        later.heard(50.5)


def test_streams_of_a_dialogue_share_its_clock():
    clock = ManualClock()
    origins = Origins(clock=clock, idle_s=600.0, most=2)
    assert origins.offset_s("a", None) == 0.0
    clock.advance(20.0)
    assert origins.offset_s("a", None) == 20.0
    assert origins.offset_s("a", 5.0) == 5.0
    clock.advance(500.0)
    origins.use("a")
    clock.advance(500.0)
    assert origins.offset_s("a", None) == 1005.0
    origins.forget("a")
    assert origins.offset_s("a", None) == 0.0
    clock.advance(601.0)
    assert origins.offset_s("a", None) == 0.0
    for other in ("b", "c"):
        origins.offset_s(other, None)
    clock.advance(1.0)
    assert [origins.offset_s(name, None) for name in ("b", "c", "a")] == [1.0, 1.0, 0.0]
