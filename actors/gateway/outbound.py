"""The way to the broker: one publisher in a thread, and requests that come together share a flush."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

from engine.errors import BadInput
from engine.transport.base import Outgoing, Publisher
from schemas.record import Position

OpenPublisher = Callable[[], Publisher]

_AT_ONCE = 64


@dataclass(slots=True)
class _Due:
    records: Sequence[Outgoing]
    stands: Future[Sequence[Position]] = field(default_factory=Future)


class Outbound:
    """Publishes from any thread. Everything handed over is published in that order."""

    def __init__(self, *, open_publisher: OpenPublisher) -> None:
        self._open_publisher = open_publisher
        self._publisher: Publisher | None = None
        self._due: SimpleQueue[_Due | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="outbound", daemon=True)
        self._thread.start()

    def send(self, records: Sequence[Outgoing]) -> Future[Sequence[Position]]:
        """Where the records stand, once the broker has acknowledged them.

        The future fails with `BadSegment`, `TransportUnavailable` or `PublishFailed`.
        """
        due = _Due(records)
        self._due.put(due)
        return due.stands

    def close(self) -> None:
        """Publish what was handed over, and free the client."""
        self._due.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_still = True
        while open_still:
            batch = [self._due.get()]
            with suppress(Empty):
                while len(batch) < _AT_ONCE:
                    batch.append(self._due.get_nowait())
            open_still = None not in batch
            # From here on it cannot be called off: who waits for it is answered.
            self._send([due for due in batch if due is not None and due.stands.set_running_or_notify_cancel()])
        if self._publisher is not None:
            self._publisher.close()

    def _send(self, batch: Sequence[_Due]) -> None:
        sent = []
        try:
            publisher = self._publisher = self._publisher or self._open_publisher()
            for due in batch:
                try:
                    publisher.publish(due.records)
                except BadInput as error:
                    due.stands.set_exception(error)
                else:
                    sent.append(due)
            stands = iter(publisher.flush())
            for due in sent:
                due.stands.set_result([next(stands) for _ in due.records])
        except Exception as error:
            # What the publisher still holds of this batch would be counted to the next one.
            self._give_up()
            for due in batch:
                if not due.stands.done():
                    due.stands.set_exception(error)

    def _give_up(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None
