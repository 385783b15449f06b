"""Faces through time: detections of single frames linked to one track a person, aligned, the largest first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.faces.align import crop
from engine.faces.cuts import cut_times
from engine.faces.flaws import flaw_of
from engine.faces.mouth import follow_mouth
from engine.faces.mtcnn import Detections, Mtcnn
from engine.faces.stillness import is_still
from engine.signals import FaceTrack, Frames, Media, Span

_ALIKE = 0.5


class MtcnnLocator:
    """The locator on MTCNN.

    Args:
        detector: the cascade.
        frames_least: a face seen in fewer frames (where there are as many) is taken for an error of the detector.
        still_pictures: take pictures of a face for faces that move: where a corpus has nothing else.
    """

    def __init__(self, *, detector: Mtcnn, frames_least: int = 2, still_pictures: bool = False) -> None:
        self._detector = detector
        self._frames_least = frames_least
        self._still_pictures = still_pictures

    def locate(self, media: Media) -> Sequence[FaceTrack]:
        """Tracks by the area of their boxes summed over the frames, the largest first; see `FaceLocator.locate`."""
        if media.frames is None or media.frame_times_s is None:
            return ()
        found = self._detector.detect(media.frames)
        crops = [crop(media.frames[at], points) for at, points in zip(found.frame, found.landmarks, strict=True)]
        cuts_s = np.zeros(0)
        if media.strip is not None and media.strip_times_s is not None:
            cuts_s = cut_times(media.strip, media.strip_times_s)
        shots = np.searchsorted(cuts_s, media.frame_times_s)
        least = min(self._frames_least, len(media.frames))
        linked = [one for one in link(found, crops, shots=shots) if len(one) >= least]
        area = _sides(found).prod(axis=1)
        tracks = tuple(
            self._track(media, media.frames, media.frame_times_s, found, crops, one, cuts_s)
            for one in sorted(linked, key=lambda one: -float(area[one].sum()))
        )
        return self._with_mouths(media, media.frames, tracks) if len(tracks) > 1 else tracks

    def _track(
        self,
        media: Media,
        frames: Frames,
        frame_times_s: NDArray[np.float64],
        found: Detections,
        crops: Sequence[Frames],
        one: NDArray[np.int64],
        cuts_s: NDArray[np.float64],
    ) -> FaceTrack:
        times_s = frame_times_s[found.frame[one]]
        return FaceTrack(
            crops=np.stack([crops[i] for i in one]),
            times_s=times_s,
            boxes=found.boxes[one],
            flaws=tuple(flaw_of(crops[i], found.landmarks[i]) for i in one),
            view=_view(times_s, frame_times_s, cuts_s, duration_s=media.duration_s),
            still=not self._still_pictures and is_still(frames[found.frame[one]], times_s, found.boxes[one]),
        )

    def _with_mouths(self, media: Media, frames: Frames, tracks: tuple[FaceTrack, ...]) -> tuple[FaceTrack, ...]:
        if media.audio is None or media.strip is None or media.strip_times_s is None:
            return tracks
        scale = np.tile(np.array(media.strip.shape[:0:-1]) / frames.shape[2:0:-1], 2).astype(np.float32)
        followed = []
        for track in tracks:
            mouth, times_s = follow_mouth(
                self._detector,
                media.strip,
                media.strip_times_s,
                boxes=track.boxes * scale,
                times_s=track.times_s,
                view=track.view,
            )
            followed.append(replace(track, mouth=mouth, mouth_times_s=times_s))
        return tuple(followed)


def link(
    found: Detections,
    crops: Sequence[Frames],
    *,
    shots: NDArray[np.int64],
    distance_most: float = 0.8,
    ratio_most: float = 1.6,
    gap_most: int = 3,
) -> Sequence[NDArray[np.int64]]:
    """The detections of each person, in order of time; `crops` are theirs.

    Frame by frame, the nearest and most alike of the open tracks takes a detection if their centres are less than
    `distance_most` of a face apart, their sizes differ by less than `ratio_most`, and it was last seen at most
    `gap_most` frames ago. A face that was missed in between has to look alike too: somebody else may have come to its
    place. `shots` `[F]` numbers the camera's shots; no track goes on over a cut.
    """
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]).astype(np.float64) / 2
    sizes = np.sqrt(_sides(found).prod(axis=1))
    looks = np.array([look(one) for one in crops])
    tracks: list[list[int]] = []
    for frame in np.unique(found.frame):
        here = np.flatnonzero(found.frame == frame)
        open_ = [
            i
            for i, track in enumerate(tracks)
            if frame - found.frame[track[-1]] <= gap_most and shots[found.frame[track[-1]]] == shots[frame]
        ]
        free = set(here.tolist())
        lasts = np.array([tracks[i][-1] for i in open_], dtype=np.int64)
        apart = np.linalg.norm(centres[lasts][:, None] - centres[here][None], axis=2)
        apart /= (sizes[lasts][:, None] + sizes[here][None]) / 2
        alike = looks[lasts] @ looks[here].T if len(lasts) else apart
        ratio = np.abs(np.log(sizes[lasts][:, None] / sizes[here][None]))
        missed = (frame - found.frame[lasts] > 1)[:, None] & (alike < _ALIKE)
        possible = (apart < distance_most) & (ratio <= np.log(ratio_most)) & ~missed
        for at, place in _least_first(np.where(possible, apart + 1.0 - alike, np.inf)):
            if int(here[place]) in free and tracks[open_[at]][-1] == lasts[at]:
                tracks[open_[at]].append(int(here[place]))
                free.discard(int(here[place]))
        tracks += [[detection] for detection in sorted(free)]
    return [np.array(track, dtype=np.int64) for track in tracks]


def look(face: Frames) -> NDArray[np.float64]:
    """What a crop `[S, S, 3]` looks like from afar `[144]`: the product of two is their correlation, 0 to a blank one.

    It tells two people apart in the same light, hardly more.
    """
    side = face.shape[0] // 16
    blocks = face.astype(np.float64).mean(axis=2).reshape(16, side, 16, side).mean(axis=(1, 3))[2:-2, 2:-2]
    flat = (blocks - blocks.mean()).ravel()
    unit: NDArray[np.float64] = flat / max(float(np.linalg.norm(flat)), 1e-9)
    return unit


def _view(
    times_s: NDArray[np.float64],
    frame_times_s: NDArray[np.float64],
    cuts_s: NDArray[np.float64],
    *,
    duration_s: float,
) -> Span:
    """From half a step before the first frame to half a step after the last, within the shot and the segment."""
    step_s = float(np.median(np.diff(frame_times_s))) if len(frame_times_s) > 1 else duration_s
    first, last = float(times_s[0]), float(times_s[-1])
    start_s = 0.0 if first == frame_times_s[0] else first - step_s / 2
    end_s = duration_s if last == frame_times_s[-1] else last + step_s / 2
    return Span(
        max([start_s, *(float(cut) for cut in cuts_s if cut < first)]),
        min([end_s, *(float(cut) for cut in cuts_s if cut > last)]),
    )


def _least_first(costs: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Places of the finite values of a table, the least value first."""
    for flat in np.argsort(costs, axis=None, kind="stable"):
        row, column = np.unravel_index(flat, costs.shape)
        if not np.isfinite(costs[row, column]):
            return
        yield int(row), int(column)


def _sides(found: Detections) -> NDArray[np.float64]:
    """`[N, 2]` width and height."""
    boxes = found.boxes.astype(np.float64)
    return np.clip(boxes[:, 2:] - boxes[:, :2], 1.0, None)
