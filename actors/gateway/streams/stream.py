"""One live stream: bytes as they come, a bounded buffer, a cutter, and segments published one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from random import Random

from actors.gateway.streams.cutting import Cutter
from actors.gateway.streams.limits import Meter, StreamLimits
from actors.gateway.streams.messages import Segmented, Told, Warned
from actors.gateway.streams.refusal import AGAIN, MALFORMED, UNSUPPORTED, Refusal
from engine.clock import Clock
from engine.errors import BadMedia, DecoderDied, PublishFailed, TransportUnavailable
from engine.ingest.reconnect import Backoff
from engine.ingest.segmenter import Ready
from engine.metrics import Metrics
from engine.transport.base import Outgoing
from schemas.record import Position
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE

Send = Callable[[Sequence[Outgoing]], Future[Sequence[Position]]]
"""Publishes records; done when they are safe, or failed with `PublishFailed` or `TransportUnavailable`."""
Tell = Callable[[Told], Awaitable[None]]
"""Says something to whoever streams, if anybody still listens."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a stream."""

    segments: int
    """Published and acknowledged."""
    heard_s: float
    ended: bool
    """Word was published that the dialogue is over."""


class Stream:
    """From `put` to the broker. `put` and `end` are called by one task, `run` by another.

    Nothing that was taken is dropped: where the broker or the decoder is slow the buffer fills, `put` waits, and so
    does whoever sends, for nothing more is read from the socket.

    Args:
        cutter: makes records of the bytes; closed when the stream ends.
        send: publishes them.
        backoff: how a broker that is away is tried again.
        meter: holds the stream to its limits.
        limits: these.
        tell: hears of every segment.
        clock: what the delay of a segment is measured with.
        metrics: counts `ingest_segments` and `ingest_dropped_segments`; observes `ingest_delay`, from the end of a
            segment until it is safe.
        random: for the pauses between attempts.
    """

    def __init__(
        self,
        *,
        cutter: Cutter,
        send: Send,
        backoff: Backoff,
        meter: Meter,
        limits: StreamLimits,
        tell: Tell,
        clock: Clock,
        metrics: Metrics,
        random: Random,
    ) -> None:
        self._cutter = cutter
        self._send = send
        self._backoff = backoff
        self._meter = meter
        self._limits = limits
        self._tell = tell
        self._clock = clock
        self._metrics = metrics
        self._random = random
        self._waiting = bytearray()
        self._changed = asyncio.Condition()
        self._over = False
        self._reason: str | None = None
        self._segments = 0
        self._ended = False

    async def put(self, data: bytes) -> None:
        """Take the next bytes; waits while the buffer is full. Raises `Refusal` where it stays so."""
        try:
            async with asyncio.timeout(self._limits.stalled_s), self._changed:
                await self._changed.wait_for(lambda: len(self._waiting) < self._limits.buffer_bytes)
                self._waiting += data
                self._changed.notify_all()
        except TimeoutError as error:
            raise Refusal(
                AGAIN, "overloaded", f"the stream could not be worked on for {self._limits.stalled_s:g} s"
            ) from error

    async def end(self, *, reason: str | None = None) -> None:
        """Nothing more comes; with a reason the dialogue is over too. The first call counts."""
        async with self._changed:
            if not self._over:
                self._over, self._reason = True, reason
            self._changed.notify_all()

    async def run(self) -> Summary:
        """Cut and publish until the stream has ended. Raises `Refusal`, after what was heard is published."""
        try:
            while data := await self._take():
                await self._deliver(await self._cutter.feed(data))
                await self._check()
            await self._deliver(await self._cutter.finish(reason=self._reason))
        except BadMedia as error:
            raise Refusal(MALFORMED, "bad-media", str(error)) from error
        except DecoderDied as error:
            raise Refusal(UNSUPPORTED, "decoder-died", str(error)) from error
        finally:
            await self._cutter.close()
        return Summary(segments=self._segments, heard_s=round(self._cutter.heard_s, 3), ended=self._ended)

    async def _check(self) -> None:
        try:
            warned = self._meter.heard(self._cutter.heard_s)
        except Refusal:
            await self._deliver(await self._cutter.finish(reason=None))
            raise
        if warned is not None:
            await self._tell(warned)

    async def _take(self) -> bytes:
        """Everything that waits; nothing: the stream is over."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._over)
            data = bytes(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
            return data

    async def _deliver(self, found: Sequence[Ready]) -> None:
        if not found:
            return
        await self._publish([ready.record for ready in found])
        for ready in found:
            segment = ready.segment
            self._ended |= segment.type == ENDED_TYPE
            if segment.type != SEGMENT_TYPE or segment.starttime is None or segment.endtime is None:
                continue
            self._segments += 1
            self._metrics.count("ingest_segments")
            if segment.time is not None:
                self._metrics.observe("ingest_delay", max(0.0, self._clock.wall_s() - segment.time.timestamp()))
            await self._tell(Segmented(sequence=segment.sequence, start_s=segment.starttime, end_s=segment.endtime))

    async def _publish(self, records: Sequence[Outgoing]) -> None:
        """What may have arrived already is sent again as it was: the engine knows a sequence it has seen."""
        attempt = 0
        while True:
            try:
                await asyncio.wrap_future(self._send(records))
                return
            except (PublishFailed, TransportUnavailable) as error:
                attempt += 1
                if self._backoff.exhausted(attempt):
                    self._metrics.count("ingest_dropped_segments", len(records))
                    raise Refusal(AGAIN, "unavailable", f"segments cannot be published: {error}") from error
                if attempt == 1:
                    await self._tell(Warned(code="unavailable", message=f"publishing is tried again: {error}"))
                await asyncio.sleep(self._backoff.wait_s(attempt, self._random))


async def carried(listening: Coroutine[object, object, None], stream: Stream) -> Summary:
    """Listen to a socket and run its stream until both are done.

    Where listening fails, the stream ends there, and what was heard is published; where the stream fails, nobody
    listens any more. Raises what the first of them raised.
    """
    listener, runner = asyncio.create_task(listening), asyncio.create_task(stream.run())
    try:
        await asyncio.wait({listener, runner}, return_when=asyncio.FIRST_COMPLETED)
        if listener.done():
            await stream.end()
            summary = await runner
            listener.result()
            return summary
        return await runner
    finally:
        for task in (listener, runner):
            task.cancel()
        await asyncio.gather(listener, runner, return_exceptions=True)
