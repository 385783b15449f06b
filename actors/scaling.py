"""How many workers there should be, by how many segments wait."""

from typing import Final

from engine.clock import Clock

SOON_S: Final = 30.0
"""So long too many have to wait before there is one more."""
LATER_S: Final = 300.0
"""So long nearly none may wait before there is one less: a worker that comes and goes costs two rebalances."""
NEARLY_NONE: Final = 0.1


class Scaling:
    """One step at a time between `least` and `most`.

    lag_each: more segments than this waiting for each worker call for another; a tenth of it can be done by fewer.
    """

    def __init__(self, *, least: int, most: int, lag_each: int, clock: Clock) -> None:
        self._least = least
        self._most = max(least, most)
        self._lag_each = lag_each
        self._clock = clock
        self._count = least
        self._calm_s = self._busy_s = clock.monotonic_s()

    def want(self, lag: int) -> int:
        """The number of workers, with so many segments waiting now."""
        now_s = self._clock.monotonic_s()
        if lag <= self._lag_each * self._count:
            self._calm_s = now_s
        if lag > self._lag_each * self._count * NEARLY_NONE:
            self._busy_s = now_s
        if now_s - self._calm_s >= SOON_S and self._count < self._most:
            self._count += 1
            self._calm_s = now_s
        elif now_s - self._busy_s >= LATER_S and self._count > self._least:
            self._count -= 1
            self._busy_s = now_s
        return self._count
