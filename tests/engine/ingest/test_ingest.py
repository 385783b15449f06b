"""The whole way: threads, buffers and a broker that is slow, away or broken."""

import tracemalloc
from itertools import pairwise
from threading import Event

import numpy as np
import pytest

from engine.clock import ManualClock, SystemClock
from engine.errors import BadMedia, PublishFailed, SourceUnavailable
from engine.ingest.builders import IngestSettings, build_ingest
from engine.ingest.ingest import Room
from engine.ingest.notices import Again, Dropped, Sent
from engine.ingest.reconnect import Backoff
from engine.ingest.segmenter import Identity
from engine.ingest.voices import Voices
from engine.metrics import Figures
from engine.transport.memory import MemoryBroker, MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.segment import DialogueEnded
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from tests.engine.ingest.sources import Scripted, heard, interleaved, seen, talk


class Publishing:
    """A publisher over a log in memory that fails, or waits, as it is told."""

    def __init__(self, *, failures=0, gate=None):
        self.broker = MemoryBroker(partitions=1)
        self._inner = MemoryPublisher(broker=self.broker)
        self._failures = failures
        self._gate = gate

    def publish(self, records):
        self._inner.publish(records)

    def flush(self):
        if self._gate is not None:
            self._gate.wait()
        self._inner.flush()
        if self._failures:
            self._failures -= 1
            raise PublishFailed("no answer in time")

    @property
    def segments(self):
        return [read_segment(record.key, record.headers) for record in self.broker.records(SEGMENTS)]


def ingest(source, publisher, *, report=lambda notice: None, metrics=None, stop=None, run="run", **settings):
    return build_ingest(
        source,
        publisher=publisher,
        identity=Identity("call", run),
        voices=Voices(),
        settings=IngestSettings(**settings),
        clock=ManualClock(),
        metrics=metrics or Figures(),
        report=report,
        stop=stop,
        wait=lambda seconds: False,
    )


def test_a_recording_becomes_a_dialogue():
    samples, publisher, notices, metrics = talk(3), Publishing(), [], Figures()
    pieces = interleaved(heard(samples, sizes=[800]), seen(start_s=0.0, end_s=len(samples) / 16_000))
    summary = ingest(Scripted((pieces, None)), publisher, report=notices.append, metrics=metrics).run()
    found = publisher.segments
    assert [segment.type for segment in found] == [STARTED_TYPE, *[SEGMENT_TYPE] * summary.segments, ENDED_TYPE]
    assert [segment.sequence for segment in found] == list(range(len(found)))
    assert summary.segments == sum(isinstance(notice, Sent) for notice in notices) >= 3
    assert metrics.read().counts == {"ingest_segments": summary.segments}
    assert summary.seconds == pytest.approx(len(samples) / 16_000)
    assert (summary.dropped_sound_s, summary.dropped_pictures, summary.dropped_segments) == (0, 0, 0)


def test_a_dialogue_can_be_gone_on_with():
    publisher = Publishing()
    for run in ("first", "second"):
        ingest(Scripted((heard(talk(1), sizes=[800]), None)), publisher, run=run, keep_open=True).run()
    found = publisher.segments
    assert ENDED_TYPE not in {segment.type for segment in found}
    assert len({segment.source for segment in found}) == 2
    assert len({segment.origin for segment in found}) == len(found)


def test_a_live_source_is_never_held_up_by_a_slow_broker():
    gate, notices, metrics, samples = Event(), [], Figures(), np.concatenate([talk()] * 10)
    publisher = Publishing(gate=gate)

    def report(notice):
        # The broker says nothing before the source has run far ahead of it.
        notices.append(notice)
        if isinstance(notice, Dropped):
            gate.set()

    source = Scripted((heard(samples, sizes=[1600]), None), live=True)
    room = Room(sound_s=len(samples), segment_bytes=200_000)
    running = ingest(source, publisher, report=report, metrics=metrics, room=room)
    summary = running.run()
    arrived = [segment for segment in publisher.segments if segment.type == SEGMENT_TYPE]
    lost = [notice for notice in notices if isinstance(notice, Dropped)]
    assert summary.segments == len(arrived)
    assert summary.dropped_segments == len(lost) == metrics.read().counts["ingest_dropped_segments"] > 0
    assert summary.segments + summary.dropped_segments == arrived[-1].sequence
    # The newest are the ones that are kept.
    assert arrived[-1].endtime == pytest.approx(len(samples) / 16_000, abs=3)


def test_sound_that_nobody_cuts_in_time_is_dropped_and_counted():
    samples, stalled = talk(2), Event()
    pieces = list(heard(samples, sizes=[1600]))

    def before(piece):
        if piece is pieces[-1]:
            stalled.set()

    source = Scripted((pieces, None), live=True, before=before)
    notices = []
    running = ingest(source, Publishing(), report=notices.append, room=Room(sound_s=2.0))
    cut = running._segmenter.feed
    running._segmenter.feed = lambda piece: (stalled.wait(), cut(piece))[1]
    summary = running.run()
    dropped_s = sum(notice.seconds for notice in notices if isinstance(notice, Dropped) and notice.what == "sound")
    assert summary.dropped_sound_s == pytest.approx(dropped_s)
    assert dropped_s == pytest.approx(len(samples) / 16_000 - 2.0, abs=0.25)
    assert summary.seconds == pytest.approx(len(samples) / 16_000)


def test_a_recording_waits_for_a_slow_broker():
    samples = np.concatenate([talk()] * 5)
    quick, slow = Publishing(), Publishing()
    ingest(Scripted((heard(samples, sizes=[1600]), None)), quick).run()
    room = Room(sound_s=0.5, pictures=1, segment_bytes=1)
    summary = ingest(Scripted((heard(samples, sizes=[1600]), None)), slow, room=room).run()
    assert [record.value for record in slow.broker.records(SEGMENTS)] == [
        record.value for record in quick.broker.records(SEGMENTS)
    ]
    assert (summary.dropped_sound_s, summary.dropped_segments) == (0, 0)


def test_being_stopped_finishes_the_utterance():
    samples, stop, publisher = talk(1), Event(), Publishing()
    middle = round((1.5 + 1.0) * 16_000)

    def before(piece):
        if piece.start_s * 16_000 >= middle:
            running.stop()

    running = ingest(Scripted((heard(samples, sizes=[800]), None), before=before), publisher, stop=stop)
    running.run()
    running.stop()
    types = [segment.type for segment in publisher.segments]
    assert types == [STARTED_TYPE, SEGMENT_TYPE, ENDED_TYPE]
    (spoken,) = [segment for segment in publisher.segments if segment.type == SEGMENT_TYPE]
    assert spoken.endtime == pytest.approx(2.5, abs=0.2)


def test_a_source_that_says_nothing_does_not_keep_a_stopped_stream():
    publisher, silent, listening = Publishing(), Event(), Event()

    def pieces():
        yield from heard(talk(1), sizes=[800])
        listening.set()
        silent.wait()

    source = Scripted((pieces(), None), live=True)
    running = ingest(source, publisher, report=lambda notice: running.stop() if listening.wait() else None)
    try:
        running.run()
    finally:
        silent.set()
    assert publisher.segments[-1].type == ENDED_TYPE


def test_a_broker_that_comes_back_gets_everything():
    samples, notices = talk(3), []
    publisher, quiet = Publishing(failures=3), Publishing()
    summary = ingest(Scripted((heard(samples, sizes=[800]), None)), publisher, report=notices.append).run()
    ingest(Scripted((heard(samples, sizes=[800]), None)), quiet).run()
    attempts = [notice.attempt for notice in notices if isinstance(notice, Again)]
    assert len(attempts) == 3
    first_seen = list(dict.fromkeys(segment.sequence for segment in publisher.segments))
    assert first_seen == [segment.sequence for segment in quiet.segments]
    assert summary.dropped_segments == 0


def test_a_broker_that_stays_away_is_said_with_what_was_lost():
    publisher, source = Publishing(failures=10**6), Scripted((heard(talk(3), sizes=[800]), None))
    running = ingest(source, publisher, deliver=Backoff(attempts=2))
    with pytest.raises(PublishFailed, match="no answer"):
        running.run()
    assert running.summary.segments == 0
    assert running.summary.dropped_segments >= 1


def test_a_source_that_breaks_off_is_said_after_everything_was_sent():
    publisher = Publishing()
    source = Scripted((heard(talk(2), sizes=[800]), SourceUnavailable("the line is dead")))
    running = ingest(source, publisher)
    with pytest.raises(SourceUnavailable, match="the line is dead"):
        running.run()
    assert running.summary.segments >= 2
    ended = publisher.broker.records(SEGMENTS)[-1]
    assert DialogueEnded.model_validate_json(ended.value).reason == "the stream broke off"


def test_a_source_that_cannot_be_opened_starts_no_dialogue():
    publisher = Publishing()
    with pytest.raises(BadMedia):
        ingest(Scripted(([], BadMedia("a letter"))), publisher).run()
    assert publisher.segments == []


def test_a_flaky_camera_stays_one_dialogue():
    publisher, notices = Publishing(), []
    connections = [(list(heard(talk(1), sizes=[800])), SourceUnavailable("gone"))] * 3
    source = Scripted(*connections, ([], SourceUnavailable("gone for good")), live=True)
    running = ingest(source, publisher, report=notices.append, reconnect=Backoff(attempts=2))
    with pytest.raises(SourceUnavailable, match="gone for good"):
        running.run()
    found = publisher.segments
    assert [segment.sequence for segment in found] == list(range(len(found)))
    assert {segment.source for segment in found} == {"/turntone/stream/run"}
    media = [segment for segment in found if segment.type == SEGMENT_TYPE]
    assert len(media) >= 3
    assert all(a.endtime <= b.starttime for a, b in pairwise(media))


def test_a_long_stream_needs_no_more_memory_than_a_short_one():
    minute = np.zeros(60 * 16_000, dtype=np.int16)
    minute[: len(talk(2))] = talk(2)
    peaks = []

    def pieces(minutes):
        for number in range(minutes):
            yield from heard(minute, sizes=[16_000], origin_s=60.0 * number)

    class Forgetting:
        """Keeps no record."""

        def publish(self, records):
            """Taken."""

        def flush(self):
            """Gone."""

    for minutes in (2, 20):
        tracemalloc.start()
        running = build_ingest(
            Scripted((pieces(minutes), None)),
            publisher=Forgetting(),
            identity=Identity("call", "run"),
            voices=Voices(),
            settings=IngestSettings(),
            clock=SystemClock(),
            metrics=Figures(),
            report=lambda notice: None,
        )
        summary = running.run()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert summary.seconds == pytest.approx(60.0 * minutes)
    assert peaks[1] < 1.5 * peaks[0]
