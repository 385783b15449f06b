"""One stream without a socket: its buffer is bounded, its broker may be away, and what was heard is kept."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from random import Random

import pytest

from actors.gateway.streams.limits import Meter, StreamLimits
from actors.gateway.streams.messages import Segmented, Warned
from actors.gateway.streams.refusal import AGAIN, MALFORMED, POLICY, UNSUPPORTED, Refusal
from actors.gateway.streams.stream import Stream, carried
from engine.clock import ManualClock
from engine.errors import BadMedia, DecoderDied, TransportUnavailable
from engine.ingest.reconnect import Backoff
from engine.ingest.segmenter import Ready
from engine.metrics import Figures
from schemas.segment import Segment
from schemas.topics import SEGMENT_TYPE


class Counted:
    """A cutter to whom every byte is an utterance of a second."""

    def __init__(self, *, error: Exception | None = None, gate: asyncio.Event | None = None) -> None:
        self.heard_s = 0.0
        self.largest = 0
        self.closed = False
        self._error = error
        self._gate = gate

    async def feed(self, data: bytes) -> Sequence[Ready]:
        if self._gate is not None:
            await self._gate.wait()
        if self._error is not None:
            raise self._error
        self.largest = max(self.largest, len(data))
        return [self._ready() for _ in data]

    async def finish(self, *, reason: str | None) -> Sequence[Ready]:
        return [self._ready()]

    async def close(self) -> None:
        self.closed = True

    def _ready(self) -> Ready:
        number, self.heard_s = int(self.heard_s), self.heard_s + 1.0
        segment = Segment(
            dialogue_id="d",
            id=f"r.{number}",
            source="/turntone/stream/r",
            type=SEGMENT_TYPE,
            sequence=number,
            starttime=number,
            endtime=number + 1,
        )
        return Ready(segment, b"")


class Bench:
    """A stream with everything around it in sight."""

    def __init__(self, cutter: Counted, *, limits: StreamLimits, failures: int = 0) -> None:
        self.cutter, self.told, self.sent, self.metrics = cutter, [], [], Figures()
        self._failures = failures
        clock = ManualClock()
        self.stream = Stream(
            cutter=cutter,
            send=self._send,
            backoff=Backoff(attempts=2, first_s=0.0, most_s=0.0),
            meter=Meter(limits=limits, clock=clock),
            limits=limits,
            tell=self._tell,
            clock=clock,
            metrics=self.metrics,
            random=Random(0),
        )

    @property
    def sequences(self) -> list[int]:
        return [told.sequence for told in self.told if isinstance(told, Segmented)]

    def _send(self, records) -> Future:
        done = Future()
        if self._failures > 0:
            self._failures -= 1
            done.set_exception(TransportUnavailable("no broker answers"))
        else:
            self.sent += records
            done.set_result(())
        return done

    async def _tell(self, told) -> None:
        self.told.append(told)


def run(bench: Bench, *chunks: bytes):
    async def listening() -> None:
        for chunk in chunks:
            await bench.stream.put(chunk)
        await bench.stream.end()

    return asyncio.run(carried(listening(), bench.stream))


def test_everything_is_published_and_told_in_order():
    bench = Bench(Counted(), limits=StreamLimits())
    summary = run(bench, b"ab", b"c")
    assert bench.sequences == [0, 1, 2, 3]
    assert len(bench.sent) == summary.segments == 4
    assert bench.metrics.read().counts["ingest_segments"] == 4
    assert bench.cutter.closed


def test_a_broker_that_comes_back_costs_a_warning():
    bench = Bench(Counted(), limits=StreamLimits(), failures=2)
    run(bench, b"a")
    assert [told.code for told in bench.told if isinstance(told, Warned)] == ["unavailable"]
    assert bench.sequences == [0, 1]


def test_a_broker_that_stays_away_ends_the_stream():
    bench = Bench(Counted(), limits=StreamLimits(), failures=99)
    with pytest.raises(Refusal, match="no broker answers") as refused:
        run(bench, b"a")
    assert (refused.value.code, refused.value.error) == (AGAIN, "unavailable")
    assert bench.metrics.read().counts["ingest_dropped_segments"] == 1
    assert bench.cutter.closed


def test_a_full_buffer_holds_up_who_sends():
    async def story() -> int:
        gate = asyncio.Event()
        bench = Bench(Counted(gate=gate), limits=StreamLimits(buffer_bytes=4, ahead_most_s=99.0))
        taken = 0

        async def listening() -> None:
            nonlocal taken
            for _ in range(20):
                await bench.stream.put(b"ab")
                taken += 2
            await bench.stream.end()

        going = asyncio.create_task(carried(listening(), bench.stream))
        for _ in range(50):
            await asyncio.sleep(0)
        stuck_at = taken
        gate.set()
        assert (await going).segments == 41
        assert bench.cutter.largest <= 6
        return stuck_at

    assert asyncio.run(story()) <= 10


def test_a_buffer_that_stays_full_ends_the_stream():
    async def story() -> None:
        bench = Bench(Counted(gate=asyncio.Event()), limits=StreamLimits(buffer_bytes=1, stalled_s=0.01))
        await bench.stream.put(b"a")
        await bench.stream.put(b"b")

    with pytest.raises(Refusal, match=r"could not be worked on for 0\.01 s"):
        asyncio.run(story())


def test_who_is_too_fast_is_stopped_and_what_was_heard_is_published():
    bench = Bench(Counted(), limits=StreamLimits(ahead_most_s=5.0))
    with pytest.raises(Refusal) as refused:
        run(bench, b"abcdef", b"never")
    assert (refused.value.code, refused.value.error) == (POLICY, "too-fast")
    assert bench.sequences[:7] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("error", "code"), [(BadMedia("no sound"), MALFORMED), (DecoderDied("it was ended by SIGSEGV"), UNSUPPORTED)]
)
def test_media_that_cannot_be_decoded_ends_the_stream(error, code):
    bench = Bench(Counted(error=error), limits=StreamLimits())
    with pytest.raises(Refusal, match=str(error)) as refused:
        run(bench, b"a")
    assert refused.value.code == code
    assert bench.cutter.closed


def test_a_listener_that_fails_keeps_what_was_heard():
    bench = Bench(Counted(), limits=StreamLimits())

    async def listening() -> None:
        await bench.stream.put(b"a")
        raise Refusal(MALFORMED, "malformed", "what is that")

    with pytest.raises(Refusal, match="what is that"):
        asyncio.run(carried(listening(), bench.stream))
    assert bench.sequences == [0, 1]
