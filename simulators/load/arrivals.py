"""When calls come: a Poisson process, whose calls know nothing of each other."""

from collections.abc import Iterator
from random import Random


def arrivals(rng: Random, *, per_minute: float, seconds: float) -> Iterator[float]:
    """Moments in seconds from the start, rising, all before `seconds`; the time between two is exponential."""
    at_s = rng.expovariate(per_minute / 60)
    while at_s < seconds:
        yield at_s
        at_s += rng.expovariate(per_minute / 60)
