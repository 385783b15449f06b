"""Sound without holes: silence stands where nothing came, so that a place in the stream is the time that has passed."""

from engine.clock import Clock

LATE_S = 1.0
"""Sound that is later than this is not waited for ..."""
_SPARE_S = 0.3
"""... and this much of it may still come."""
_MOST_S = 2.0
"""Silence that is put at once."""


class Steady:
    """Counts samples against the clock, from the moment when it is made.

    Args:
        rate_hz: samples a second and channel.
        frame_bytes: of one sample of every channel.
        clock: what time is told by.
    """

    def __init__(self, *, rate_hz: int, frame_bytes: int, clock: Clock) -> None:
        self._rate_hz = rate_hz
        self._frame_bytes = frame_bytes
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._given_s = 0.0

    def give(self, samples: bytes) -> bytes:
        """Samples, on their way."""
        self._given_s += len(samples) / self._frame_bytes / self._rate_hz
        return samples

    def silence(self) -> bytes:
        """What is to be sent before the next samples; ask until nothing comes."""
        behind_s = self._clock.monotonic_s() - self._began_s - self._given_s
        if behind_s <= LATE_S:
            return b""
        return self.give(bytes(round(min(behind_s - _SPARE_S, _MOST_S) * self._rate_hz) * self._frame_bytes))
