"""A picture of a face instead of a face: nothing of it changes."""

import numpy as np
from numpy.typing import NDArray

from engine.faces.boxes import Boxes
from engine.signals import Frames

_FRAMES_LEAST = 3
_LEAST_S = 0.3
_CHANGE_MOST = 1.0
"""Grey levels. Compression changes a still picture by less; a face that only breathes, by more."""


def is_still(frames: Frames, times_s: NDArray[np.float64], boxes: Boxes) -> bool:
    """Whether a face is the same from frame to frame `[F, H, W, 3]`, at `times_s` `[F]` in its `boxes` `[F, 4]`.

    False where it is seen too briefly to tell.
    """
    if len(frames) < _FRAMES_LEAST or times_s[-1] - times_s[0] < _LEAST_S:
        return False
    height, width = frames.shape[1:3]
    x0, y0, x1, y1 = np.clip(np.median(boxes, axis=0).round(), 0, [width, height, width, height]).astype(int)
    face = frames[:, y0:y1, x0:x1].astype(np.float32).mean(axis=3)
    if face.size == 0:
        return False
    return float(np.abs(np.diff(face, axis=0)).mean(axis=(1, 2)).max()) < _CHANGE_MOST
