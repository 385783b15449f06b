"""`/v1/streams` over a socket: what a browser or a script says, what it hears, and what is published."""

from random import Random

import pytest

from actors.gateway.streams.limits import StreamLimits
from actors.gateway.streams.refusal import AGAIN, MALFORMED, POLICY, TOO_BIG, UNSUPPORTED
from engine.errors import TransportUnavailable
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.raw import RawSamples
from engine.ingest.segmenter import Identity, Segmenter
from engine.ingest.voices import Voices
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from tests.actors.gateway.streams.doors import START, TOKEN, closed, opened, until, webm
from tests.engine.ingest.sources import talk

PATH = "/v1/streams"
PIECE = 3200
"""A tenth of a second of 16-bit samples."""


@pytest.fixture(scope="module")
def pcm() -> bytes:
    return talk(2).tobytes()


def speak(socket, door, pcm: bytes) -> None:
    for start in range(0, len(pcm), PIECE):
        door.clock.advance(0.1)
        socket.send_bytes(pcm[start : start + PIECE])


def test_samples_become_the_segments_that_a_file_gives(pcm):
    samples = RawSamples(format="s16le", rate_hz=16_000, channels=1)
    segmenter = Segmenter(
        identity=Identity("d", "x"), voices=Voices(), endpoint=EndpointSettings(), wall=lambda time_s: None
    )
    pieces = [*samples.feed(pcm), *samples.finish()]
    expected = [ready for piece in pieces for ready in segmenter.feed(piece)] + [*segmenter.finish()]
    with opened() as door:
        with door.client.websocket_connect(PATH) as socket:
            socket.send_json({**START, "speaker": "anna", "role": "customer", "consent": True, "end_dialogue": True})
            started = socket.receive_json()
            speak(socket, door, pcm)
            socket.send_json({"type": "stop"})
            said = until(socket, "ended")
            assert closed(socket) == (1000, "")
        assert (started["dialogue_id"], started["offset_s"]) == ("d", 0.0)
        ended = {"type": "ended", "segments": 2, "heard_s": round(len(pcm) / 32_000, 3), "dialogue_ended": True}
        assert said[-1] == ended
        media = door.media()
        assert [segment.type for segment in door.segments()] == [STARTED_TYPE, SEGMENT_TYPE, SEGMENT_TYPE, ENDED_TYPE]
        spans = [(segment.starttime, segment.endtime) for segment in media]
        assert spans == [(ready.segment.starttime, ready.segment.endtime) for ready in expected]
        assert spans == [(one["start_s"], one["end_s"]) for one in said[:-1]]
        assert [record.value for record in door.broker.records(SEGMENTS)][1:-1] == [ready.value for ready in expected]
        assert {(one.speaker, one.role, one.consent) for one in media} == {("anna", "customer", True)}
        assert {one.source for one in media} == {f"/turntone/stream/{started['stream']}"}
        figures = door.metrics.read()
        assert (figures.counts["ingest_segments"], figures.durations["ingest_delay"].count) == (2, 2)
        assert figures.levels["streams"] == 0


def test_a_browser_s_recording_in_any_pieces():
    data, random, position = webm(talk(1), picture=False), Random(5), 0
    with opened() as door:
        with door.client.websocket_connect(PATH) as socket:
            start = {**START, "format": "webm"}
            del start["rate_hz"]
            socket.send_json(start)
            while position < len(data):
                size = random.randint(1, 5000)
                socket.send_bytes(data[position : position + size])
                position += size
            door.clock.advance(20.0)
            socket.send_json({"type": "stop"})
            assert [said["type"] for said in until(socket, "ended")] == ["started", "segment", "ended"]
        assert len(door.media()) == 1


def test_a_lost_connection_keeps_what_was_said_and_the_next_one_goes_on(pcm):
    with opened() as door:
        for code in (1001, 1000):
            with door.client.websocket_connect(PATH) as socket:
                socket.send_json({**START, "end_dialogue": True})
                assert socket.receive_json()["offset_s"] == pytest.approx(0.0 if code == 1001 else 34.2, abs=5.0)
                speak(socket, door, pcm[:120_000])
                socket.close(code)
                door.settle()
            door.clock.advance(30.0)
        words = [segment.type for segment in door.segments()]
        assert words == [STARTED_TYPE, SEGMENT_TYPE, STARTED_TYPE, SEGMENT_TYPE, ENDED_TYPE]
        first, second = door.media()
        assert first.endtime + 20.0 < second.starttime
        assert first.sequence == second.sequence == 1
        assert first.source != second.source
        assert first.origin != second.origin


def test_a_token_may_come_in_the_header():
    start = {name: value for name, value in START.items() if name != "token"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with opened() as door, door.client.websocket_connect(PATH, headers=headers) as socket:
        socket.send_json(start)
        socket.send_json({"type": "stop"})
        assert until(socket, "ended")[-1]["dialogue_ended"] is False
        assert door.segments() == []


@pytest.mark.parametrize(
    ("messages", "code", "error"),
    [
        ([b"\x00\x00"], UNSUPPORTED, "order"),
        (["no json"], MALFORMED, "malformed"),
        ([{**START, "token": "another"}], POLICY, "unauthorized"),
        ([{**START, "format": "mp3"}], MALFORMED, "malformed"),
        ([START, START], MALFORMED, "malformed"),
        ([START, b"\x00" * 5000], TOO_BIG, "too-big"),
        ([START, *[b"\x00" * 3200] * 35], POLICY, "too-fast"),
        ([{"type": "start", "dialogue_id": "d", "format": "webm", "token": TOKEN}, b"\x00" * 400], 1007, "bad-media"),
    ],
)
def test_what_is_wrong_is_told_and_closed_with_a_code(messages, code, error):
    limits = StreamLimits(message_bytes_most=4000, ahead_warned_s=1.0, ahead_most_s=3.0)
    with opened(limits) as door, door.client.websocket_connect(PATH) as socket:
        for message in messages:
            if isinstance(message, bytes):
                socket.send_bytes(message)
            elif isinstance(message, str):
                socket.send_text(message)
            else:
                socket.send_json(message)
        if error == "bad-media":
            socket.send_json({"type": "stop"})
        said = until(socket, "error")
        assert said[-1]["code"] == error
        ended_with, reason = closed(socket)
        assert ended_with == code
        assert reason.startswith(f"{error}: ")
    assert door.metrics.read().counts[f"streams_refused:{error}"] == 1


def test_nobody_waits_for_ever_for_who_says_nothing():
    with opened(StreamLimits(opening_s=0.05)) as door, door.client.websocket_connect(PATH) as socket:
        assert socket.receive_json() == {"type": "error", "code": "silent", "message": "nothing came for 0.05 s"}
        assert closed(socket)[0] == POLICY


def test_there_are_only_so_many_streams():
    with opened(StreamLimits(at_once=1, decoders=0)) as door, door.client.websocket_connect(PATH) as first:
        first.send_json(START)
        assert first.receive_json()["type"] == "started"
        for start in (START, {"type": "start", "dialogue_id": "d", "format": "webm", "token": TOKEN}):
            with door.client.websocket_connect(PATH) as second:
                second.send_json(start)
                assert until(second, "error")[-1]["code"] == "busy"
                assert closed(second)[0] == AGAIN
        first.send_json({"type": "stop"})
        until(first, "ended")


def test_a_broker_that_is_away_for_a_moment_is_a_warning(pcm):
    with opened() as door, door.client.websocket_connect(PATH) as socket:
        door.failures.append(TransportUnavailable("no broker answers"))
        socket.send_json(START)
        speak(socket, door, pcm)
        socket.send_json({"type": "stop"})
        said = [one["type"] for one in until(socket, "ended")]
        assert said == ["started", "warning", "segment", "segment", "ended"]
