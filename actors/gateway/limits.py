"""How much may come in: requests a second for each token, and bytes that are on their way at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from actors.gateway.problems import RETRY_S, Problem
from engine.clock import Clock


class RateLimit:
    """A token bucket for each name: `burst` at once, `per_s` in the long run."""

    def __init__(self, *, per_s: float, burst: int, clock: Clock) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """One request. Raises `Problem` with the time to wait where the bucket is empty."""
        now_s = self._clock.monotonic_s()
        left, seen_s = self._buckets.get(name, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - seen_s) * self._per_s)
        if left < 1:
            self._buckets[name] = left, now_s
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too-many-requests",
                f"{self._per_s:g} requests a second are allowed, {self._burst} at once",
                retry_after_s=(1 - left) / self._per_s,
            )
        self._buckets[name] = left - 1, now_s


class Room:
    """Bytes of media that may be in memory here, until the broker has them."""

    def __init__(self, *, most_bytes: int) -> None:
        self._left = most_bytes

    @contextmanager
    def taken(self, size_bytes: int) -> Iterator[None]:
        """Hold so many bytes. Raises `Problem` where there is no room for them now."""
        if size_bytes > self._left:
            detail = "too much media is on its way to the broker; send it again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, retry_after_s=RETRY_S)
        self._left -= size_bytes
        try:
            yield
        finally:
            self._left += size_bytes
