"""The engine in one process, fed and heard: no broker, no cluster, the same segments and the same loop."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import TracebackType

from engine.build import InProcess
from engine.clock import SystemClock
from engine.transport.base import Incoming, Outgoing, Partition
from engine.transport.memory import MemoryPublisher, MemoryReader
from schemas.record import Position
from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, SEGMENTS, STATES, TURNS
from simulators.corpus import Corpus, Skipped
from simulators.replay import Replay, Replayed
from simulators.timeline import Sent

_LISTEN_S = 0.2
_AHEAD_MOST = 8
"""Segments that may wait for the engine: enough to keep it busy, few enough for any length of recording."""
_HEARD = (TURNS, ALERTS, DIALOGUES, DEAD_LETTERS)


class Offline:
    """A publisher to an engine that runs for as long as the `with` block, and a little longer.

    Who publishes waits while the engine is behind; what everybody is done with is forgotten. So memory does not grow
    with a recording. The block ends when everything is answered; one that is broken off ends after the segment in work.

    Args:
        engine: runs once, and is closed.
        hear: is given every record of turns, alerts, dialogues and dead letters, on the publisher's thread.

    Raises what stopped the engine's loop.
    """

    def __init__(self, *, engine: InProcess, hear: Callable[[Incoming], None]) -> None:
        self._engine = engine
        self._hear = hear
        self._publisher = MemoryPublisher(broker=engine.broker)
        self._reader = MemoryReader(broker=engine.broker, topics=_HEARD, from_beginning=True)
        self._written: list[Position] = []
        self._segments: Partition = (SEGMENTS, 0)
        self._stop = Event()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._running = self._threads.submit(engine.loop.run, self._stop)

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Write records; returns when the engine is no more than a few segments behind."""
        self._publisher.publish(records)
        self._written += self._publisher.flush()
        while self._behind() > _AHEAD_MOST:
            self._listen(_LISTEN_S)

    def flush(self) -> Sequence[Position]:
        """Nothing is held back; where it was written is told."""
        told, self._written = self._written, []
        return told

    def close(self) -> None:
        """The block's end does it."""

    def __enter__(self) -> "Offline":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while kind is None and self._behind():
                self._listen(_LISTEN_S)
        finally:
            self._stop.set()
            self._threads.shutdown()
            self._engine.close()
        self._listen(0.0)

    def _behind(self) -> int:
        """Segments that are not answered yet."""
        return self._engine.broker.end(self._segments) - self._done()

    def _done(self) -> int:
        return self._engine.broker.committed(self._engine.group).get(self._segments, 0)

    def _listen(self, timeout_s: float) -> None:
        for record in self._reader.read(timeout_s=timeout_s):
            self._hear(record)
        if self._running.done():
            self._running.result()
        broker = self._engine.broker
        broker.forget(self._segments, self._done())
        broker.forget((STATES, 0), broker.end((STATES, 0)))
        for topic in _HEARD:
            broker.forget((topic, 0), self._reader.position((topic, 0)))


def play_through(
    engine: InProcess,
    corpus: Corpus,
    *,
    run: str,
    role: str,
    report: Callable[[Sent | Skipped], None],
    hear: Callable[[Incoming], None],
) -> Replayed:
    """Play every dialogue to its end, one after the other. Ctrl-C stops it, and what was sent is heard out."""
    with Offline(engine=engine, hear=hear) as publisher:
        player = Replay(
            publisher=publisher,
            clock=SystemClock(),
            wait=time.sleep,
            report=report,
            run=run,
            speed=None,
            at_once=1,
            role=role,
        )
        return player.play(corpus)
