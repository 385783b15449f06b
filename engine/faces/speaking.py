"""Which of the faces in view speaks: the only one, or the one whose mouth goes with the voice."""

from dataclasses import replace

import numpy as np

from engine.faces.synchrony import synchrony
from engine.signals import FaceTrack, Span, Waveform

_MARGIN_S = 0.5
"""Frames are sparse: those just before and after a short turn tell of it too."""
_SURE = 2.8
_CLEARLY_SURER = 1.0


def speaking_face(tracks: tuple[FaceTrack, ...], audio: Waveform | None, span: Span) -> FaceTrack | str:
    """What may be read of the speaker's face in a span of the segment, or why it is no face.

    `audio` is the segment's `[N]`; None: nothing is heard, and no mouth has to move. A face alone in view is taken. Of
    several, the one whose mouth goes with the voice, surely and clearly more than any other's: a wrong face is worse
    than none. A picture of a face speaks no more than a wall does.
    """
    seen = [track for track in tracks if track.view.start_s < span.end_s and track.view.end_s > span.start_s]
    if not seen:
        return "face out of view while speaking" if tracks else "no face found"
    if len(seen) > 1 and audio is None:
        return "several faces, and no voice to tell which of them speaks"
    if len(seen) == 1 and audio is not None and seen[0].still:
        return "a still picture of a face"
    track = seen[0] if len(seen) == 1 or audio is None else _goes_with(seen, audio, span)
    return track if isinstance(track, str) else readable(track, span)


def readable(track: FaceTrack, span: Span) -> FaceTrack | str:
    """A track with the crops of a span that have no flaw, or the flaw most of them have.

    Those of the span and half a second around it; of a shorter look, the crop nearest to it.
    """
    off_s = np.maximum(span.start_s - track.times_s, track.times_s - span.end_s)
    during = np.flatnonzero(off_s <= max(_MARGIN_S, float(off_s.min())))
    good = [i for i in during if track.flaws[i] is None]
    if good:
        return replace(
            track,
            crops=track.crops[good],
            times_s=track.times_s[good],
            boxes=track.boxes[good],
            flaws=(None,) * len(good),
        )
    flaws = [flaw for flaw in (track.flaws[i] for i in during) if flaw is not None]
    return max(flaws, key=flaws.count)


def _goes_with(seen: list[FaceTrack], audio: Waveform, span: Span) -> FaceTrack | str:
    """The one of several tracks whose mouth goes with the voice in a span."""
    sure = [0.0 if track.still else synchrony(track, audio, span) for track in seen]
    if all(one is None for one in sure):
        return "several faces, seen too briefly or too seldom to tell which of them speaks"
    ranked = sorted(((one or 0.0, -i) for i, one in enumerate(sure)), reverse=True)
    (best, place), (second, _) = ranked[:2]
    if best < _SURE or best - second < _CLEARLY_SURER:
        return "several faces, and no mouth goes clearly with the voice"
    return seen[-place]
