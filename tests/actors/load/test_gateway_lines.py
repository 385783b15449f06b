"""A load's ways through a gateway: a real socket, a log in memory, and nobody who answers but the test."""

from time import monotonic, time

import pytest

from actors.client import Client, Refused
from actors.gateway.streams.furnish import live_streams
from actors.load.figures import read_stages, rows, stages_of
from actors.load.hearing import Ears
from actors.load.posting import PostLine
from actors.load.speaking import LiveLine
from engine.config import Config
from engine.errors import Unavailable
from schemas.cloudevents import read_segment
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from simulators.load.conversation import Spoken
from simulators.load.plan import Call
from simulators.load.voices import bundled_voices
from simulators.load.wire import cues, hang_up
from tests.actors.gateway.opened import OWNER, PATIENCE_S, Log, gateway


def call(*said, faults=None, away=None):
    last_s = max(one.end_s for one in said)
    return Call(
        number=0,
        begin_s=0.0,
        length_s=last_s,
        manner="scene",
        ending="finished",
        away=away,
        said=said,
        faults=faults or (None,) * len(said),
    )


@pytest.fixture(scope="module")
def opened():
    log = Log()
    with gateway(log, furnish=lambda app, parts: app.include_router(live_streams(Config(), parts))) as client:
        yield log, client


@pytest.fixture
def ears(opened):
    _, client = opened
    with Ears(Client(client.url, token=OWNER)) as ears:
        yield ears


def segments(log, dialogue_id):
    found = [read_segment(record.key, record.headers) for record in log.broker.records(SEGMENTS)]
    return [segment for segment in found if segment.dialogue_id == dialogue_id]


def until(true, line):
    """Acknowledgements until something holds."""
    deadline_s, taken = monotonic() + PATIENCE_S, []
    while not true(taken):
        assert monotonic() < deadline_s
        line.hear(timeout_s=0.05)
        taken += line.flush()
    return taken


def test_requests_keep_the_order_of_their_dialogue_and_say_what_was_taken(opened, ears):
    log, client = opened
    said = [Spoken("agent", 0.0, 1.0), Spoken("customer", 1.0, 2.0), Spoken("agent", 2.0, 3.0)]
    planned = list(cues([call(*said)], run="posted", media=lambda spoken: b"sound"))
    with PostLine(client, ears) as line:
        for cue in planned:
            line.send(cue, due_wall_s=time())
        taken = until(lambda taken: len(segments(log, "posted-0")) == 5 and len(taken) == 3, line)
    assert [sent.start_s for sent in taken] == [0.0, 1.0, 2.0]
    own = segments(log, "posted-0")
    assert [segment.type for segment in own] == [STARTED_TYPE, *[SEGMENT_TYPE] * 3, ENDED_TYPE]
    assert [segment.sequence for segment in own[1:-1]] == [1, 2, 3]
    assert [segment.role for segment in own[1:-1]] == ["agent", "customer", "agent"]
    assert {segment.source for segment in own[1:-1]} == {planned[0].segment.source}


def test_what_is_told_is_heard_from_the_first_line_on(opened, ears):
    log, _ = opened
    event = log.say("told-0", 0)
    heard = ears.hear(timeout_s=PATIENCE_S)
    assert [told.event for told in heard] == [event]
    assert ears.hear(timeout_s=0.0) == []


def test_a_token_that_is_none_is_said_at_once(opened):
    _, client = opened
    with pytest.raises(Refused, match="401"), Ears(Client(client.url, token="nobody's")):  # noqa: S106
        pass


def test_speakers_of_a_call_stream_break_off_and_come_again(opened, ears):
    log, client = opened
    said = (
        Spoken("customer", 0.2, 1.6),
        Spoken("agent", 0.4, 1.6),
        Spoken("customer", 2.4, 3.8, connection=1),
    )
    planned = call(*said, faults=(None, "garbage", None), away=(1.7, 2.2))
    records = list(cues([planned], run="live", media=lambda spoken: b""))
    calls = {"live-0": planned}
    with LiveLine(url=client.url, token=OWNER, calls=calls, voices=bundled_voices(), ears=ears) as line:
        began_s = time()
        for cue in records:
            line.send(cue, due_wall_s=began_s)
        ended = lambda: [one for one in segments(log, "live-0") if one.type == ENDED_TYPE]  # noqa: E731
        taken = until(lambda taken: ended() and any(sent.start_s == 2.4 for sent in taken), line)
    own = [one for one in segments(log, "live-0") if one.type == SEGMENT_TYPE]
    customer = [one for one in own if one.speaker == "customer"]
    assert len({one.source for one in customer}) == 2
    assert any(one.starttime < 1.6 for one in customer)
    assert any(one.endtime > 2.4 for one in customer)
    assert all(one.role == one.speaker and one.consent for one in own)
    assert {sent.speaker for sent in taken} <= {"customer", "agent"}
    assert log.figures.read().counts["streams_refused:malformed"] >= 1


def test_who_is_hung_up_says_no_more(opened, ears):
    log, client = opened
    planned = call(Spoken("agent", 0.0, 0.5), Spoken("customer", 0.2, 100.0))
    records = list(cues([planned], run="stopped", media=lambda spoken: b""))
    calls = {"stopped-0": planned}
    with LiveLine(url=client.url, token=OWNER, calls=calls, voices=bundled_voices(), ears=ears) as line:
        line.send(records[0], due_wall_s=time())
        until(lambda taken: log.figures.read().levels.get("streams", 0) == 2, line)
        line.send(hang_up("stopped-0", at_s=1.0), due_wall_s=time())
        until(lambda taken: log.figures.read().levels["streams"] == 0, line)


PAGE = """
# TYPE turntone_stage_seconds histogram
turntone_stage_seconds_bucket{le="0.1",stage="vad",worker="0"} %d
turntone_stage_seconds_bucket{le="+Inf",stage="vad",worker="0"} %d
turntone_stage_seconds_bucket{le="0.1",stage="vad",worker="1"} 3
turntone_stage_seconds_bucket{le="+Inf",stage="vad",worker="1"} 3
# TYPE turntone_latency_seconds histogram
turntone_latency_seconds_bucket{le="0.1",worker="0"} 0
turntone_latency_seconds_bucket{le="+Inf",worker="0"} 0
"""


def test_the_stages_of_all_workers_are_read_together():
    before, after = stages_of(PAGE % (5, 5)), stages_of(PAGE % (15, 15))
    assert before["vad"] == {0.1: 8.0, float("inf"): 8.0}
    found = rows(before, after)
    assert set(found) == {"vad"}
    assert (found["vad"].turns, found["vad"].p50) == (10, 50.0)


def test_without_figures_it_is_said_where_they_were_looked_for(opened):
    _, client = opened
    with pytest.raises(Unavailable, match="/metrics"):
        read_stages(client.url, token=OWNER)
