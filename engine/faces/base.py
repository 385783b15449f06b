"""Faces as a port: the tracks of the people in a segment's frames."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.signals import FaceTrack, Frames


class FaceLocator(Protocol):
    """Stateless between calls."""

    def locate(self, frames: Frames, times_s: NDArray[np.float64]) -> Sequence[FaceTrack]:
        """Face tracks of `frames` `[F, H, W, 3]` RGB, the largest first; none: an empty sequence."""
        ...
