"""One subscriber's way through the events: first what is past, then what comes."""

from asyncio import get_running_loop, sleep
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Literal

from actors.gateway.cursor import Offsets, cursor
from actors.gateway.past import Past
from actors.gateway.ring import Ring
from actors.gateway.told import Told, Wanted
from engine.transport.base import Partition

_AT_ONCE = 256


class Ended(Exception):
    """Nothing more is told here: the subscriber was too slow, or the gateway closes."""

    def __init__(self, reason: Literal["slow", "closing"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Subscription:
    """Events in the order they were heard; each `read` goes on where the last one ended. Used from one event loop.

    offsets: where to begin; an event below them was told before.
    past: where to begin lies before what is kept, and this reads up to there.
    gap: some of what was asked for is kept no more.
    left: called once when it is over.
    """

    def __init__(
        self, *, ring: Ring, wanted: Wanted, offsets: Offsets, past: Past | None, gap: bool, left: Callable[[], None]
    ) -> None:
        self._ring = ring
        self._wanted = wanted
        self._mine: dict[Partition, int] = dict(offsets)
        self._past = past
        self._left: Callable[[], None] | None = left
        # Who begins at the newest event sees all later ones in the ring's own order.
        self._aligned = past is None and self._mine == dict(ring.at)
        self._next = ring.end if self._aligned else ring.first
        self.gap = gap
        self.position = cursor(self._mine)
        """The id to resume with: that of the last event that was looked at, wanted or not."""

    async def read(self, *, timeout_s: float) -> Sequence[Told]:
        """What came next; an empty sequence when nothing did within `timeout_s`.

        Raises `Ended`; `TransportUnavailable` while what is past is read.
        """
        clock = get_running_loop()
        deadline_s = clock.time() + timeout_s
        while True:
            found = [told for told in await self._more(timeout_s=deadline_s - clock.time()) if told in self._wanted]
            if found or clock.time() >= deadline_s:
                return found
            await sleep(0)

    async def __aiter__(self) -> AsyncIterator[Told]:
        """Every event until it has `Ended`."""
        while True:
            for told in await self.read(timeout_s=60.0):
                yield told

    def close(self) -> None:
        """Give its place up; safe to call twice."""
        if self._past is not None:
            self._past.close()
            self._past = None
        if self._left is not None:
            self._left()
            self._left = None

    async def _more(self, *, timeout_s: float) -> Sequence[Told]:
        if self._ring.closed:
            raise Ended("closing")
        if self._past is not None:
            return await self._read_past(self._past)
        if self._next < self._ring.first:
            raise Ended("slow")
        if self._next == self._ring.end:
            await self._ring.wait(self._next, timeout_s=timeout_s)
            if self._next < self._ring.first:
                raise Ended("slow")
        batch = self._ring.read(self._next, most=_AT_ONCE)
        self._next += len(batch)
        return self._fresh(batch)

    async def _read_past(self, past: Past) -> Sequence[Told]:
        batch, at = await past.read()
        fresh = self._fresh(batch)
        self._mine |= {place: max(offset, self._mine.get(place, 0)) for place, offset in at.items()}
        if all(self._mine[place] >= offset for place, offset in self._ring.floor.items()):
            past.close()
            self._past = None
            self._next = self._ring.first
        return fresh

    def _fresh(self, batch: Sequence[Told]) -> Sequence[Told]:
        return [told for each in batch if (told := self._mind(each)) is not None]

    def _mind(self, told: Told) -> Told | None:
        """The event under this subscriber's own cursor; None if it was told before."""
        if self._aligned:
            self.position = told.id
            return told
        if told.offset < self._mine.get(told.place, 0):
            return None
        self._mine[told.place] = told.offset + 1
        self.position = cursor(self._mine)
        self._aligned = self._past is None and self.position == told.id
        return replace(told, id=self.position)
