"""Faces through time: detections of single frames linked to one track a person, aligned, the largest first."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.faces.align import crop
from engine.faces.mtcnn import Detections, Mtcnn
from engine.signals import FaceTrack, Frames


class MtcnnLocator:
    """The locator on MTCNN.

    Args:
        detector: the cascade.
        frames_least: a face seen in fewer frames (where there are as many) is taken for an error of the detector.
    """

    def __init__(self, *, detector: Mtcnn, frames_least: int = 2) -> None:
        self._detector = detector
        self._frames_least = frames_least

    def locate(self, frames: Frames, times_s: NDArray[np.float64]) -> Sequence[FaceTrack]:
        """Tracks by the area of their boxes summed over the frames, the largest first; see `FaceLocator.locate`."""
        found = self._detector.detect(frames)
        least = min(self._frames_least, len(frames))
        linked = [track for track in link(found) if len(track) >= least]
        return tuple(
            FaceTrack(
                crops=np.stack([crop(frames[found.frame[i]], found.landmarks[i]) for i in track]),
                times_s=times_s[found.frame[track]],
                boxes=found.boxes[track],
            )
            for track in sorted(linked, key=lambda track: -float(_sides(found)[track].prod(axis=1).sum()))
        )


def link(
    found: Detections, *, distance_most: float = 0.8, ratio_most: float = 1.6, gap_most: int = 3
) -> Sequence[NDArray[np.int64]]:
    """The detections of each person, in order of time.

    Frame by frame, the nearest of the open tracks takes a detection if their centres are less than `distance_most` of
    a face apart, their sizes differ by less than `ratio_most`, and it was last seen at most `gap_most` frames ago.
    """
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]).astype(np.float64) / 2
    sizes = np.sqrt(_sides(found).prod(axis=1))
    tracks: list[list[int]] = []
    for frame in np.unique(found.frame):
        here = np.flatnonzero(found.frame == frame)
        open_ = [i for i, track in enumerate(tracks) if frame - found.frame[track[-1]] <= gap_most]
        free = set(here.tolist())
        lasts = np.array([tracks[i][-1] for i in open_], dtype=np.int64)
        for at, detection in _nearest_first(centres, sizes, lasts, here, distance_most, ratio_most):
            if detection in free and tracks[open_[at]][-1] == lasts[at]:
                tracks[open_[at]].append(detection)
                free.discard(detection)
        tracks += [[detection] for detection in sorted(free)]
    return [np.array(track, dtype=np.int64) for track in tracks]


def _nearest_first(
    centres: NDArray[np.float64],
    sizes: NDArray[np.float64],
    lasts: NDArray[np.int64],
    here: NDArray[np.int64],
    distance_most: float,
    ratio_most: float,
) -> Iterator[tuple[int, int]]:
    """Pairs of an open track (its place in `lasts`) and a detection that could be one person, the nearest first."""
    mean = (sizes[lasts][:, None] + sizes[here][None]) / 2
    apart = np.linalg.norm(centres[lasts][:, None] - centres[here][None], axis=2) / mean
    ratio = np.abs(np.log(sizes[lasts][:, None] / sizes[here][None]))
    apart[ratio > np.log(ratio_most)] = np.inf
    for flat in np.argsort(apart, axis=None, kind="stable"):
        track, place = np.unravel_index(flat, apart.shape)
        if apart[track, place] >= distance_most:
            return
        yield int(track), int(here[place])


def _sides(found: Detections) -> NDArray[np.float64]:
    """`[N, 2]` width and height."""
    boxes = found.boxes.astype(np.float64)
    return np.clip(boxes[:, 2:] - boxes[:, :2], 1.0, None)
