"""Figures a part emits and somebody else collects: counts, levels and durations, by name.

A name may end in a colon and one word of a few known ones (`abstained:withheld`): a count of a kind. Neither names nor
words ever say who spoke or what.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol


class Metrics(Protocol):
    """Where figures go. May be called from any thread."""

    def count(self, name: str, n: int = 1) -> None:
        """So many more of something."""
        ...

    def level(self, name: str, value: float) -> None:
        """How much of something there is now."""
        ...

    def observe(self, name: str, seconds: float) -> None:
        """How long something took."""
        ...


BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of every histogram of durations."""


@dataclass(frozen=True, slots=True)
class Duration:
    """How long something took, so many times."""

    count: int = 0
    sum_s: float = 0.0
    buckets: tuple[int, ...] = (0,) * len(BUCKETS_S)
    """How many were at or below each bound of `BUCKETS_S`."""

    def with_one(self, seconds: float) -> "Duration":
        """One more."""
        buckets = tuple(n + (seconds <= bound) for n, bound in zip(self.buckets, BUCKETS_S, strict=True))
        return Duration(self.count + 1, self.sum_s + seconds, buckets)

    def __add__(self, other: "Duration") -> "Duration":
        buckets = tuple(a + b for a, b in zip(self.buckets, other.buckets, strict=True))
        return Duration(self.count + other.count, self.sum_s + other.sum_s, buckets)


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures at one moment; those of several processes add up."""

    counts: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    durations: Mapping[str, Duration] = field(default_factory=dict)

    def __add__(self, other: "Reading") -> "Reading":
        names = self.durations.keys() | other.durations.keys()
        none = Duration()
        return Reading(
            counts=dict(Counter(self.counts) + Counter(other.counts)),
            levels={
                name: self.levels.get(name, 0.0) + other.levels.get(name, 0.0)
                for name in self.levels.keys() | other.levels.keys()
            },
            durations={name: self.durations.get(name, none) + other.durations.get(name, none) for name in names},
        )


class Figures:
    """Figures of a process that runs for months: histograms, whose size does not grow."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._levels: dict[str, float] = {}
        self._durations: defaultdict[str, Duration] = defaultdict(Duration)

    def count(self, name: str, n: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += n

    def level(self, name: str, value: float) -> None:
        """Put a level in the place of the last one."""
        with self._lock:
            self._levels[name] = value

    def observe(self, name: str, seconds: float) -> None:
        """Add to a histogram."""
        with self._lock:
            self._durations[name] = self._durations[name].with_one(seconds)

    def read(self) -> Reading:
        """What there is now."""
        with self._lock:
            return Reading(dict(self._counts), dict(self._levels), dict(self._durations))
