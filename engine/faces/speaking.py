"""Which of the faces in view speaks: the one whose mouth moves most."""

import numpy as np
from numpy.typing import NDArray

from engine.signals import FACE_SIZE, FaceTrack, Frames, Span, Waveform

_MOUTH = (slice(FACE_SIZE * 5 // 8, FACE_SIZE), slice(FACE_SIZE // 4, FACE_SIZE * 3 // 4))
_BROW = (slice(FACE_SIZE // 8, FACE_SIZE // 2), slice(FACE_SIZE // 8, FACE_SIZE * 7 // 8))
_MARGIN_S = 0.5
"""Frames are sparse: those just before and after a short turn tell of it too."""
_CLEARLY_MORE_MOTION = 1.25
_CLEARLY_LARGER = 2.0


def speaking_face(tracks: tuple[FaceTrack, ...], audio: Waveform | None, span: Span) -> FaceTrack | None:
    """The track of the speaker of a span; None: nobody is in view, or nothing tells who of several it is.

    A single face in view is taken. Of several, the one whose mouth moves clearly more than any other's, measured
    against the rest of its face, so that a moving head or light does not count; else the one clearly larger than all
    others. `audio` is the segment's `[N]`: without a voice there is nothing a mouth could go with, and size decides.
    """
    seen = tuple(track for track in tracks if _during(track, span).any())
    if len(seen) <= 1:
        return seen[0] if seen else None
    if audio is not None:
        talking = _clear_first(seen, [mouth_motion(t.crops[_during(t, span)]) for t in seen], _CLEARLY_MORE_MOTION)
        if talking is not None:
            return talking
    return _clear_first(seen, [_area(t.boxes[_during(t, span)]) for t in seen], _CLEARLY_LARGER)


def mouth_motion(crops: Frames) -> float:
    """How much the mouth of aligned crops `[F, S, S, 3]` changes from one to the next, over how much the brow does."""
    if len(crops) < 2:
        return 0.0
    grey = crops.astype(np.float32).mean(axis=3)
    change = np.abs(np.diff(grey, axis=0))
    mouth, brow = (change[:, rows, columns].mean() for rows, columns in (_MOUTH, _BROW))
    return float(mouth / (brow + 1.0))


def _clear_first(tracks: tuple[FaceTrack, ...], values: list[float], factor: float) -> FaceTrack | None:
    order = np.argsort(values)
    best, second = order[-1], order[-2]
    return tracks[best] if values[best] > factor * values[second] else None


def _during(track: FaceTrack, span: Span) -> NDArray[np.bool_]:
    return (track.times_s >= span.start_s - _MARGIN_S) & (track.times_s <= span.end_s + _MARGIN_S)


def _area(boxes: NDArray[np.float32]) -> float:
    return float(np.median((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])))
