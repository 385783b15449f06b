"""Events older than what is kept in memory, read from the log again by a reader of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from actors.gateway.cursor import Offsets
from actors.gateway.told import Told, tell
from engine.transport.base import Reader

OpenReader = Callable[[Offsets | None], Reader]
"""Opens the topics at these offsets; None: at their tail, which is to be kept in memory."""

_READ_S = 0.25


class Past:
    """A reader in a thread of its own, awaited from the event loop. `closed` is called when it is done with."""

    def __init__(self, *, open_reader: OpenReader, closed: Callable[[], None]) -> None:
        self._open_reader = open_reader
        self._closed = closed
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="past")
        self._reader: Reader | None = None
        self._at: Offsets = {}

    async def open(self, offsets: Offsets) -> Offsets:
        """Begin there; returns where it really begins. Raises `TransportUnavailable`."""
        return await asyncio.wrap_future(self._thread.submit(self._begin, offsets))

    async def read(self) -> tuple[Sequence[Told], Offsets]:
        """What came next, and where the reader is now."""
        return await asyncio.wrap_future(self._thread.submit(self._read))

    def close(self) -> None:
        """Free the reader, when it has done what it is doing; called once."""
        self._closed()
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _begin(self, offsets: Offsets) -> Offsets:
        self._reader = self._open_reader(offsets)
        self._at = self._reader.positions()
        return self._at

    def _read(self) -> tuple[Sequence[Told], Offsets]:
        if self._reader is None:
            return (), self._at
        at, found = dict(self._at), []
        for record in self._reader.read(timeout_s=_READ_S):
            at[record.position.topic, record.position.partition] = record.position.offset + 1
            if told := tell(record, at):
                found.append(told)
        self._at = self._reader.positions()
        return found, self._at

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
