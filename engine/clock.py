"""Time as a part that is passed in, so that tests wind it by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the engine reads the time."""

    def wall_s(self) -> float:
        """Seconds since 1970."""
        ...

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is wound."""

    def __init__(self, *, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self._now_s += seconds

    def wall_s(self) -> float:
        """Seconds since 1970."""
        return self._now_s

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""
        return self._now_s
