"""What workers have counted since they were last asked, some of them started anew in between."""

from collections import Counter
from collections.abc import Callable, Mapping

from engine.metrics import Reading


class Increments:
    """Takes the counts of one kind, and keeps of each worker what it said last.

    wanted: which names are of that kind.
    """

    def __init__(self, *, wanted: Callable[[str], bool]) -> None:
        self._wanted = wanted
        self._seen: dict[str, Counter[str]] = {}

    def take(self, readings: Mapping[str, Reading]) -> "Counter[str]":
        """What all workers together have counted anew; one whose counts went back was started anew."""
        fresh: Counter[str] = Counter()
        for worker, reading in readings.items():
            now = Counter({name: n for name, n in reading.counts.items() if self._wanted(name)})
            before = self._seen.get(worker, Counter())
            fresh += now - before if before <= now else now
            self._seen[worker] = now
        return fresh
