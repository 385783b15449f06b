"""A source as a port: sound and pictures in the order in which they come, each with its place in time."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.signals import SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of sound."""

    start_s: float
    samples: NDArray[np.int16]
    """`[C, N]` at `SAMPLE_RATE_HZ`; C stays the same for a connection."""

    @property
    def end_s(self) -> float:
        """Where the piece after it begins."""
        return self.start_s + len(self.samples[0]) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture."""

    start_s: float
    pixels: NDArray[np.uint8]
    """`[H, W, 3]` RGB, upright, at most `SIDE_MOST_PX` on its longer side."""

    @property
    def end_s(self) -> float:
        """The moment it shows."""
        return self.start_s


Piece = Heard | Seen

SIDE_MOST_PX = 640
"""Pictures are made smaller before anything keeps them."""


class Source(Protocol):
    """Something that can be listened to."""

    @property
    def live(self) -> bool:
        """It goes on whether or not somebody listens: who is slow misses some of it."""
        ...

    @property
    def resumes(self) -> bool:
        """When it breaks off it can be opened again, and goes on where it is by then."""
        ...

    def pieces(self) -> Generator[Piece, None, None]:
        """Open it and listen until it ends; closing the iterator closes it.

        Times begin at about 0 and never fall, sound and pictures apart; a gap between two pieces is a gap in the
        source. Raises `SourceUnavailable` when it breaks off or does not answer, `BadMedia` when it holds neither sound
        nor picture, `ConfigurationError` when there is nothing at its address.
        """
        ...
