"""Work done in order within a dialogue and side by side otherwise, and how far all of it is."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zlib import crc32

from actors.gateway.told import Told


@dataclass(slots=True)
class _Taken:
    told: Told
    done: bool = False


class Lanes:
    """Queues that dialogues share: what belongs to one dialogue is worked on one after the other, as it came.

    work: does one event and raises nothing. room: how many may wait in a lane; then `take` waits.
    """

    def __init__(self, *, work: Callable[[Told], Awaitable[None]], lanes: int, room: int) -> None:
        self._work = work
        self._queues: list[asyncio.Queue[_Taken]] = [asyncio.Queue(room) for _ in range(lanes)]
        self._taken: deque[_Taken] = deque()
        self._done = ""

    async def take(self, told: Told) -> None:
        """Have an event worked on."""
        taken = _Taken(told)
        self._taken.append(taken)
        await self._queues[crc32(told.dialogue_id.encode()) % len(self._queues)].put(taken)

    def done(self, position: str) -> str:
        """The place up to which everything is done; `position` where nothing is left to do."""
        while self._taken and self._taken[0].done:
            self._done = self._taken.popleft().told.id
        if not self._taken:
            self._done = position
        return self._done

    async def run(self) -> None:
        """Work until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for queue in self._queues:
                tasks.create_task(self._run(queue))

    async def _run(self, queue: "asyncio.Queue[_Taken]") -> None:
        while True:
            taken = await queue.get()
            await self._work(taken.told)
            taken.done = True
