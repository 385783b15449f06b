"""The mouth of a person through the film strip: how dark it is inside, frame by frame."""

import numpy as np
from numpy.typing import NDArray

from engine.faces.align import crop
from engine.faces.boxes import Boxes
from engine.faces.mtcnn import Mtcnn
from engine.signals import FACE_SIZE, Span

_AT_ONCE = 32
_SURE = 0.0
"""Least log-odds of a face where one is expected."""
_SMOOTHED = 5
"""Landmarks of single frames tremble; those of five in a row are averaged."""
_INSIDE = (slice(FACE_SIZE * 46 // 64, FACE_SIZE * 59 // 64), slice(FACE_SIZE * 24 // 64, FACE_SIZE * 41 // 64))
_UPPER_FACE = (slice(FACE_SIZE * 10 // 64, FACE_SIZE * 38 // 64), slice(FACE_SIZE * 12 // 64, FACE_SIZE * 52 // 64))


def follow_mouth(
    detector: Mtcnn,
    strip: NDArray[np.uint8],
    strip_times_s: NDArray[np.float64],
    *,
    boxes: Boxes,
    times_s: NDArray[np.float64],
    view: Span,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Darkness of the mouth `[M]` and its times `[M]` in seconds, where in `view` the face is found.

    `boxes` `[F, 4]`, in pixels of the strip, and `times_s` `[F]` say where a face was found. Between them its place is
    interpolated, and the network that places landmarks looks there.
    """
    within = np.flatnonzero((strip_times_s >= view.start_s) & (strip_times_s <= view.end_s))
    expected = np.stack([np.interp(strip_times_s[within], times_s, boxes[:, side]) for side in range(4)], axis=1)
    parts = [
        detector.refind(strip[within[at : at + _AT_ONCE]], expected[at : at + _AT_ONCE].astype(np.float32))
        for at in range(0, len(within), _AT_ONCE)
    ]
    if not parts:
        return np.zeros(0, np.float32), np.zeros(0)
    found = np.concatenate([part.scores for part in parts]) > _SURE
    if not found.any():
        return np.zeros(0, np.float32), np.zeros(0)
    landmarks = _smooth(np.concatenate([part.landmarks for part in parts])[found])
    seen = within[found]
    dark = [darkness(crop(strip[i][:, :, None], points)) for i, points in zip(seen, landmarks, strict=True)]
    return np.array(dark, dtype=np.float32), strip_times_s[seen]


def darkness(face: NDArray[np.uint8]) -> float:
    """How much darker the inside of the mouth is than the upper face, in grey levels, in a crop `[S, S, 1]`."""
    return float(face[_UPPER_FACE].mean() - face[_INSIDE].mean())


def _smooth(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each landmark over the frames around it."""
    edge = _SMOOTHED // 2
    padded = np.pad(landmarks, ((edge, edge), (0, 0), (0, 0)), mode="edge")
    smooth: NDArray[np.float32] = np.mean([padded[i : i + len(landmarks)] for i in range(_SMOOTHED)], axis=0)
    return smooth
