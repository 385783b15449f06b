"""Figures a part emits and somebody else collects: counts and durations, by name."""

from collections import Counter, defaultdict
from threading import Lock
from typing import Protocol


class Metrics(Protocol):
    """Where figures go. May be called from any thread."""

    def count(self, name: str, n: int = 1) -> None:
        """So many more of something."""
        ...

    def observe(self, name: str, seconds: float) -> None:
        """How long something took."""
        ...


class Counters:
    """Figures kept in memory: for one process, and for tests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.counts: Counter[str] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    def count(self, name: str, n: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self.counts[name] += n

    def observe(self, name: str, seconds: float) -> None:
        """Append to a list of durations."""
        with self._lock:
            self.seconds[name].append(seconds)
