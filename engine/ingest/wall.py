"""Which wall time a moment of a stream has."""

from datetime import UTC, datetime
from threading import Lock

from engine.clock import Clock


class Wall:
    """Learns from when pieces arrive at what wall time the stream began.

    What arrives with the least delay says it best. A recording has no such time: there a moment is when it is asked
    for. May be used from several threads.
    """

    def __init__(self, *, clock: Clock, live: bool) -> None:
        self._clock = clock
        self._live = live
        self._lock = Lock()
        self._began_s = float("inf")

    def arrived(self, end_s: float) -> None:
        """A piece that ends at this time of the stream has just come."""
        with self._lock:
            self._began_s = min(self._began_s, self._clock.wall_s() - end_s)

    def at(self, time_s: float) -> datetime:
        """The wall time of a moment of the stream, in UTC."""
        with self._lock:
            now_s = self._clock.wall_s()
            return datetime.fromtimestamp(min(now_s, self._began_s + time_s) if self._live else now_s, tz=UTC)
