"""The annotated recordings: twelve excerpts of AMI meetings, and one telephone call with a track a speaker.

The call has no annotation. Its tracks are clean (silence below -60 dBFS, speech around -20), so who speaks when is read
off the level of each track by itself. A pause of a speaker is bridged where AMI's annotators bridge it: in the `trn`
excerpts no two turns of one speaker lie apart by less than 0.84 s (and more than nothing).
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment

from engine.media.decode import decode
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform

TRN = tuple(f"trn{index:02d}" for index in range(10))
DEV = ("dev00", "dev01")
SPEAKERS = ("agent", "caller")
AMI_PAUSE_S = 0.8
WORDS_PAUSE_S = 0.3
"""The other usual convention: only the pauses inside a phrase are speech."""

_STEP = SAMPLE_RATE_HZ // 100
_LEAST_S = 0.1


def sound(folder: Path, name: str) -> Waveform:
    """One recording; `agent` and `caller` are the tracks of the call, `call` is both on one line."""
    if name == "call":
        tracks = [sound(folder, speaker) for speaker in SPEAKERS]
        return np.clip(tracks[0] + tracks[1], -1, 1)
    path = folder / (f"call40_{name}_8k.flac" if name in SPEAKERS else f"{name}.flac")
    audio = decode(path.read_bytes(), content_type="audio/flac").audio
    if audio is None:
        raise ValueError(f"{path} holds no sound")
    return audio


def turns(folder: Path, name: str, *, pause_s: float = AMI_PAUSE_S, level_dbfs: float = -45.0) -> Annotation:
    """Who speaks when; the last two are about the call alone."""
    annotation = Annotation(uri=name)
    if name in (*TRN, *DEV):
        rttm = folder / ("ami_train.rttm" if name in TRN else "ami_development.rttm")
        for index, line in enumerate(rttm.read_text().splitlines()):
            _, uri, _, start, duration, _, _, speaker, *_ = line.split()
            if uri == name:
                annotation[Segment(float(start), float(start) + float(duration)), index] = speaker
        return annotation
    for speaker in SPEAKERS if name == "call" else (name,):
        for span in loud(sound(folder, speaker), level_dbfs=level_dbfs, pause_s=pause_s):
            annotation[Segment(span.start_s, span.end_s), speaker] = speaker
    return annotation


def loud(track: Waveform, *, level_dbfs: float, pause_s: float) -> list[Span]:
    """Where a clean track is louder than a level, over 30 ms in steps of 10."""
    steps = np.square(track[: len(track) // _STEP * _STEP].reshape(-1, _STEP), dtype=np.float64).mean(axis=1)
    power = np.convolve(steps, np.ones(3) / 3, mode="same")
    bridged: list[Span] = []
    for start_s, end_s in _runs(power > 10 ** (level_dbfs / 10)):
        if bridged and start_s - bridged[-1].end_s < pause_s:
            bridged[-1] = Span(bridged[-1].start_s, end_s)
        else:
            bridged.append(Span(start_s, end_s))
    return [span for span in bridged if span.duration_s >= _LEAST_S]


def annotated(spans: Iterable[Span]) -> Annotation:
    """Spans of speech as pyannote.metrics takes them."""
    annotation = Annotation()
    for index, span in enumerate(spans):
        annotation[Segment(span.start_s, span.end_s), index] = "speech"
    return annotation


def _runs(mask: NDArray[np.bool_]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return [(start * _STEP / SAMPLE_RATE_HZ, end * _STEP / SAMPLE_RATE_HZ) for start, end in edges.reshape(-1, 2)]
