"""The one reader of the topics: a thread that hands every event to the feed, in order."""

import asyncio
import logging
from collections.abc import Callable
from threading import Event
from typing import Any

from actors.gateway.feed import Feed
from actors.gateway.past import OpenReader
from actors.gateway.told import Told, tell
from engine.errors import TransportUnavailable
from engine.transport.base import Partition, Reader

_READ_S = 0.25
_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


class Pump:
    """Reads until it is stopped; a broker that is away is asked again, from where the last reading ended.

    The next batch is read when the feed has taken the last one in: what it cannot take yet waits in the log.
    """

    def __init__(self, *, open_reader: OpenReader, feed: Feed, loop: asyncio.AbstractEventLoop) -> None:
        self._open_reader = open_reader
        self._feed = feed
        self._loop = loop
        self._at: dict[Partition, int] = {}
        self.reading = False
        """Whether the broker answered last."""

    def run(self, stop: Event) -> None:
        """Read until `stop` is set. To be called in a thread of its own."""
        while not stop.is_set():
            try:
                reader = self._open_reader(self._at or None)
                try:
                    self._read(reader, stop)
                finally:
                    reader.close()
            except TransportUnavailable as error:
                self.reading = False
                _log.warning("the topics will be read again: %s", error)
                stop.wait(_AGAIN_S)

    def _read(self, reader: Reader, stop: Event) -> None:
        if not self._at:
            self._at = dict(reader.positions())
            self._in_loop(self._feed.begin, dict(self._at))
        while not stop.is_set():
            batch: list[Told] = []
            for record in reader.read(timeout_s=_READ_S):
                self._at[record.position.topic, record.position.partition] = record.position.offset + 1
                if told := tell(record, self._at):
                    batch.append(told)
            self.reading = True
            if batch:
                self._in_loop(self._feed.hear, batch)
            if not self._feed.ready and reader.at_end():
                self._in_loop(self._feed.catch_up)

    def _in_loop(self, call: Callable[..., None], *values: Any) -> None:
        async def called() -> None:
            call(*values)

        asyncio.run_coroutine_threadsafe(called(), self._loop).result()
