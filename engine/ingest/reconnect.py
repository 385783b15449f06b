"""Sources over a whole dialogue: opened again when they break off, or played no faster than life."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from random import Random

from engine.clock import Clock
from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.base import Piece, Source
from engine.ingest.notices import Again

Wait = Callable[[float], bool]
"""Waits for so many seconds; True: it was called off, and so is what it waited for."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt: twice as long each time, with jitter, up to a limit."""

    first_s: float = 0.5
    most_s: float = 30.0
    attempts: int | None = 10
    """In a row without success; None: endless."""

    def wait_s(self, attempt: int, random: Random) -> float:
        """Before attempt 1, 2, ...: between half and all of the doubled time."""
        doubled_s = self.first_s * 2.0 ** min(attempt - 1, 60)
        return min(self.most_s, doubled_s) * random.uniform(0.5, 1.0)

    def exhausted(self, attempt: int) -> bool:
        """Whether there is no attempt of this number."""
        return self.attempts is not None and attempt > self.attempts


class Reconnecting:
    """A live source that is opened again when it ends or breaks off; the time of the gap goes on counting.

    Args:
        source: the source.
        backoff: the pauses between attempts.
        clock: what the gap is measured with.
        wait: sleeps; see `Wait`.
        report: is told of each attempt.
        random: for the jitter.
    """

    live = True
    resumes = False

    def __init__(
        self,
        *,
        source: Source,
        backoff: Backoff,
        clock: Clock,
        wait: Wait,
        report: Callable[[Again], None],
        random: Random,
    ) -> None:
        self._source = source
        self._backoff = backoff
        self._clock = clock
        self._wait = wait
        self._report = report
        self._random = random
        self._began_s: float | None = None
        self._reached_s = 0.0
        self._failed = 0

    def pieces(self) -> Generator[Piece, None, None]:
        """See `Source.pieces`; ends only by being called off. Raises `SourceUnavailable` when attempts run out."""
        while True:
            try:
                yield from self._connection()
                reason = "the stream ended"
            except SourceUnavailable as error:
                reason = str(error)
            except (BadMedia, ConfigurationError) as error:
                if self._began_s is None:
                    raise
                reason = str(error)
            self._failed += 1
            if self._backoff.exhausted(self._failed):
                raise SourceUnavailable(f"{reason}; given up after {self._failed - 1} attempt(s) to reach it again")
            wait_s = self._backoff.wait_s(self._failed, self._random)
            self._report(Again(reason, self._failed, wait_s))
            if self._wait(wait_s):
                return

    def _connection(self) -> Iterator[Piece]:
        origin_s: float | None = None
        with closing(self._source.pieces()) as pieces:
            for piece in pieces:
                if origin_s is None:
                    origin_s = self._origin_s()
                    self._failed = 0
                moved = replace(piece, start_s=piece.start_s + origin_s)
                self._reached_s = max(self._reached_s, moved.end_s)
                yield moved

    def _origin_s(self) -> float:
        """Where a connection begins whose first piece has just come."""
        now_s = self._clock.monotonic_s()
        if self._began_s is None:
            self._began_s = now_s
        return max(self._reached_s, now_s - self._began_s)


class Paced:
    """A recording that is played as if it happened now."""

    live = True
    resumes = False

    def __init__(self, *, source: Source, clock: Clock, wait: Wait) -> None:
        self._source = source
        self._clock = clock
        self._wait = wait

    def pieces(self) -> Generator[Piece, None, None]:
        """See `Source.pieces`: each piece when its last moment is over."""
        began_s = self._clock.monotonic_s()
        with closing(self._source.pieces()) as pieces:
            for piece in pieces:
                ahead_s = began_s + piece.end_s - self._clock.monotonic_s()
                if ahead_s > 0 and self._wait(ahead_s):
                    return
                yield piece
