"""Work done in order within a dialogue and side by side otherwise, and how far all of it is."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from zlib import crc32

from actors.gateway.told import Told
from engine.transport.base import Partition


@dataclass(slots=True)
class _Taken:
    offset: int
    told: Told | None
    """None: there is nothing to do about it, or not any more."""
    done: bool = False


class Lanes:
    """Queues that dialogues share: what belongs to one dialogue is worked on one after the other, as it came.

    work: does one event and raises nothing. room: how many may wait; who takes more looks at `full` first.
    """

    def __init__(self, *, work: Callable[[Told], Awaitable[None]], lanes: int, room: int) -> None:
        self._work = work
        self._room = room
        self._queues: list[asyncio.Queue[_Taken]] = [asyncio.Queue() for _ in range(lanes)]
        self._taken: dict[Partition, deque[_Taken]] = {}

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return sum(queue.qsize() for queue in self._queues) >= self._room

    def take(self, place: Partition, offset: int, told: Told | None) -> None:
        """Have the next record of a partition worked on; None: it is passed over."""
        taken = _Taken(offset, told, done=told is None)
        self._taken.setdefault(place, deque()).append(taken)
        if told is not None:
            self._queues[crc32(told.dialogue_id.encode()) % len(self._queues)].put_nowait(taken)

    def done(self) -> Mapping[Partition, int]:
        """Of every partition that has come further since this was asked last, the offset below which all is done."""
        found = {}
        for place, taken in self._taken.items():
            while taken and taken[0].done:
                found[place] = taken.popleft().offset + 1
        return found

    def forget(self, partitions: Collection[Partition]) -> None:
        """Others work on these from now on; what has begun goes on."""
        for place in partitions:
            for taken in self._taken.pop(place, ()):
                taken.told = None

    def forget_all(self) -> None:
        """Likewise, of every partition."""
        self.forget(tuple(self._taken))

    async def run(self) -> None:
        """Work until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for queue in self._queues:
                tasks.create_task(self._run(queue))

    async def _run(self, queue: "asyncio.Queue[_Taken]") -> None:
        while True:
            taken = await queue.get()
            if taken.told is not None:
                await self._work(taken.told)
            taken.done = True
