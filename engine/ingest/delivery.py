"""Publishing what is ready, again and again where the broker is away."""

from collections.abc import Callable, Sequence
from random import Random

from engine.errors import PublishFailed, TransportUnavailable
from engine.ingest.notices import Again
from engine.ingest.reconnect import Backoff, Wait
from engine.ingest.segmenter import Ready
from engine.transport.base import Publisher


class Delivery:
    """Hands segments to a publisher and returns when they are safe.

    What may have arrived already is sent again as it was: the engine knows a sequence it has seen.
    """

    def __init__(
        self,
        *,
        publisher: Publisher,
        backoff: Backoff,
        wait: Wait,
        report: Callable[[Again], None],
        random: Random,
    ) -> None:
        self._publisher = publisher
        self._backoff = backoff
        self._wait = wait
        self._report = report
        self._random = random

    def send(self, batch: Sequence[Ready]) -> None:
        """Publish and flush. Raises what the last attempt raised; once the waiting is called off there is one more."""
        records = [ready.record for ready in batch]
        attempt, last = 0, False
        while True:
            try:
                self._publisher.publish(records)
                self._publisher.flush()
                return
            except (PublishFailed, TransportUnavailable) as error:
                attempt += 1
                if last or self._backoff.exhausted(attempt):
                    raise
                wait_s = self._backoff.wait_s(attempt, self._random)
                self._report(Again(str(error), attempt, wait_s))
                last = self._wait(wait_s)
