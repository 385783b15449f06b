"""The newest events in memory: one bounded ring that every subscriber reads at its own pace."""

import asyncio
from collections.abc import Sequence

from actors.gateway.cursor import Offsets
from actors.gateway.told import Told
from engine.transport.base import Partition


class Ring:
    """Keeps the newest `room` events, numbered from 0. Used from one event loop.

    A subscriber is a number: what it has not read yet. So a slow one costs no memory and slows nobody; it has lost its
    place when its number is no longer kept.
    """

    def __init__(self, *, room: int) -> None:
        self._room = room
        self._kept: dict[int, Told] = {}
        self._changed = asyncio.Event()
        self._floor: dict[Partition, int] = {}
        self._at: dict[Partition, int] = {}
        self.first = 0
        """The oldest that is kept."""
        self.end = 0
        """The number the next one will have."""
        self.closed = False

    @property
    def floor(self) -> Offsets:
        """From which offsets on everything is kept."""
        return self._floor

    @property
    def at(self) -> Offsets:
        """The offset each partition goes on with."""
        return self._at

    def begin(self, offsets: Offsets) -> None:
        """Nothing is kept, and the next event is at one of these offsets."""
        self._floor, self._at = dict(offsets), dict(offsets)

    def add(self, batch: Sequence[Told]) -> None:
        """Keep these, and wake whoever waits."""
        for told in batch:
            self._kept[self.end] = told
            self._at[told.place] = told.offset + 1
            self.end += 1
            if self.end - self.first > self._room:
                oldest = self._kept.pop(self.first)
                self._floor[oldest.place] = oldest.offset + 1
                self.first += 1
        self._wake()

    def read(self, number: int, *, most: int) -> Sequence[Told]:
        """At most `most` events from a number on, which has to be kept."""
        return [self._kept[each] for each in range(number, min(number + most, self.end))]

    async def wait(self, number: int, *, timeout_s: float) -> None:
        """Return when the event of this number is there, or the ring is closed, or after `timeout_s`."""
        if self.end <= number and not self.closed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()
            except TimeoutError:
                return

    def close(self) -> None:
        """Nothing more comes."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
