"""What makes a face unfit to be read: too small, turned away or blurred."""

import numpy as np
from numpy.typing import NDArray

from engine.signals import Frames

_EYES_LEAST_PX = 10.0
"""A crop has its eyes 24 pixels apart; more than twice enlarged, it shows nothing."""
_NOSE_ASIDE_MOST = 0.30
_EYES_CLOSEST = 0.65
_SHARPNESS_LEAST = 0.25
_INNER = slice(10, -10)


def flaw_of(crop: Frames, landmarks: NDArray[np.float32]) -> str | None:
    """The flaw of a face from its crop `[S, S, 3]` and its landmarks in the frame `[5, 2]`; None: it has none.

    A head that turns brings its eyes together and its nose to the side. Both are measured in heights of the face (eyes
    to mouth), along the line of the eyes, so that a tilted head is not a turned one.
    """
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across = (points[1] - points[0]) + (points[4] - points[3])
    length = float(np.linalg.norm(across))
    if length == 0.0:
        return "the face is turned away"
    across /= length
    height = float((mouth - eyes) @ np.array([-across[1], across[0]]))
    apart = float((points[1] - points[0]) @ across)
    aside = abs(float((points[2] - (eyes + mouth) / 2) @ across))
    if height <= 0 or apart < _EYES_CLOSEST * height or aside > _NOSE_ASIDE_MOST * height:
        return "the face is turned away"
    if apart < _EYES_LEAST_PX:
        return "the face is too small"
    return "the face is blurred" if sharpness(crop) < _SHARPNESS_LEAST else None


def sharpness(crop: Frames) -> float:
    """The deviation of the Laplacian of a crop `[S, S, 3]` as a share of the deviation of its brightness."""
    grey = crop.astype(np.float32).mean(axis=2)
    edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(edges[_INNER, _INNER].std() / (grey[_INNER, _INNER].std() + 1.0))
