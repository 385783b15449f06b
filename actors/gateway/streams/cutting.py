"""From the bytes of one stream to the records of its dialogue: the port, and samples cut in this process."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.ingest.base import Piece
from engine.ingest.raw import RawSamples
from engine.ingest.segmenter import Ready, Segmenter
from engine.ingest.wall import Wall


class Cutter(Protocol):
    """One stream; used by one task.

    Raises `BadMedia` where nothing can be made of the bytes, `DecoderDied` where a process was lost over them.
    """

    @property
    def heard_s(self) -> float:
        """How much of the stream has been decoded, in its own time."""
        ...

    async def feed(self, data: bytes) -> Sequence[Ready]:
        """The records that are complete with the next bytes; the first says that the dialogue starts."""
        ...

    async def finish(self, *, reason: str | None) -> Sequence[Ready]:
        """What was still open, and with a reason word that the dialogue is over; nothing where nothing was heard."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


class Cutting:
    """Pieces in, records out: the segmenter's, framed by word that the dialogue starts and, if it does, ends."""

    def __init__(self, *, segmenter: Segmenter, wall: Wall) -> None:
        self._segmenter = segmenter
        self._wall = wall
        self._started = False
        self.heard_s = 0.0

    def feed(self, piece: Piece) -> Iterator[Ready]:
        """The records that are complete with the next piece."""
        self._wall.arrived(piece.end_s)
        self.heard_s = max(self.heard_s, piece.end_s)
        if not self._started:
            self._started = True
            yield self._segmenter.started()
        yield from self._segmenter.feed(piece)

    def finish(self, *, reason: str | None) -> Iterator[Ready]:
        """See `Cutter.finish`."""
        yield from self._segmenter.finish()
        if self._started and reason is not None:
            yield self._segmenter.ended(reason)


class RawCutter:
    """Samples without a header: numbers, in which nothing can be hidden, so they are cut in this process."""

    def __init__(self, *, samples: RawSamples, cutting: Cutting) -> None:
        self._samples = samples
        self._cutting = cutting
        self._empty = True

    @property
    def heard_s(self) -> float:
        """See `Cutter`."""
        return self._cutting.heard_s

    async def feed(self, data: bytes) -> Sequence[Ready]:
        """See `Cutter`; in a thread, so that other streams need not wait for it."""
        self._empty = False
        return await asyncio.to_thread(self._feed, data)

    async def finish(self, *, reason: str | None) -> Sequence[Ready]:
        """See `Cutter`."""
        return [] if self._empty else await asyncio.to_thread(self._finish, reason)

    async def close(self) -> None:
        """Nothing to free."""

    def _feed(self, data: bytes) -> list[Ready]:
        return [ready for piece in self._samples.feed(data) for ready in self._cutting.feed(piece)]

    def _finish(self, reason: str | None) -> list[Ready]:
        held = [ready for piece in self._samples.finish() for ready in self._cutting.feed(piece)]
        return [*held, *self._cutting.finish(reason=reason)]
