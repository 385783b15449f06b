"""The values that pass between stages. Arrays are numpy; torch begins behind the `infer` port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Every waveform inside the engine is mono float32 in [-1, 1] at this rate."""

FACE_SIZE = 64
"""Side of an aligned face crop, in pixels."""

Waveform = NDArray[np.float32]
Frames = NDArray[np.uint8]
Tensors = Mapping[str, NDArray[Any]]
"""A dialogue's state by name: `context`, `emotion`, `speaker/<id>`, `recent/<id>`, `centroid/<id>`, ..."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds of the segment."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Media:
    """A decoded segment. What is missing is None and says why."""

    duration_s: float
    audio: Waveform | None = None
    """`[N]`, mono, at `SAMPLE_RATE_HZ`."""
    frames: Frames | None = None
    """`[F, H, W, 3]` RGB, evenly sampled over the segment."""
    frame_times_s: NDArray[np.float64] | None = None
    """`[F]`"""
    strip: NDArray[np.uint8] | None = None
    """`[M, h, w]` grey, smaller and closer in time than `frames`: what moves, and where the camera cuts."""
    strip_times_s: NDArray[np.float64] | None = None
    """`[M]`"""
    audio_missing: str | None = None
    video_missing: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceTurn:
    """One speaker's stretch inside a segment."""

    speaker: str
    span: Span
    overlap: bool = False
    """Somebody else speaks over part of it."""


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One person's face while it is in view; at a cut of the camera it ends."""

    crops: Frames
    """`[F, FACE_SIZE, FACE_SIZE, 3]` RGB, aligned by the five landmarks."""
    times_s: NDArray[np.float64]
    """`[F]`, seconds of the segment."""
    boxes: NDArray[np.float32]
    """`[F, 4]` x0, y0, x1, y1 in pixels of the frame."""
    flaws: tuple[str | None, ...]
    """`[F]` why a crop must not be read for what the face shows; None: it may."""
    view: Span
    """From when to when the face is in view, as far as sampled frames can tell."""
    still: bool
    """A picture of a face: it does not change at all."""
    mouth: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """`[M]` how dark the inside of the mouth is, in grey levels; followed where several people are in view."""
    mouth_times_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """`[M]`"""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One allowed turn as the models see it."""

    speaker: str
    audio: Waveform | None
    """`[N]` at `SAMPLE_RATE_HZ`, at most 30 s."""
    faces: Frames | None
    """`[F, FACE_SIZE, FACE_SIZE, 3]` RGB."""
    number: int = 0
    """Which turn of its dialogue it is, from 0: a second look at it goes by this."""


@dataclass(frozen=True, slots=True)
class StepRequest:
    """One dialogue's part of a wave: its state and the turns that step it, in order."""

    tensors: Tensors
    turns: tuple[Utterance, ...]
    announced: tuple[str, ...] = ()
    """Allowed participants the producer announced: they count as listeners before they speak."""
    ended: bool = False
    """No turn will follow: those that wait for a second look get it with what there is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the models say of one turn."""

    distribution: NDArray[np.float32]
    """`[7]` calibrated probabilities, in the order of `schemas.labels.EMOTIONS`."""
    confidence: float
    valence: float
    arousal: float
    affect_source: str
    """`regression` or `circumplex`."""
    weight_audio: float
    weight_video: float
    gate: Mapping[str, float] = field(default_factory=dict)
    abstained: str | None = None
    """Why no label is given although there is a distribution."""


@dataclass(frozen=True, slots=True)
class Revised:
    """What the models say of a turn at a second look, when later turns are known."""

    number: int
    """Which turn of its dialogue it is."""
    distribution: NDArray[np.float32]
    """`[7]` calibrated probabilities, in the order of `schemas.labels.EMOTIONS`."""
    confidence: float
    valence: float
    arousal: float
    affect_source: str
    """`regression` or `circumplex`."""
    abstained: str | None = None
    """Why no label is given although there is a distribution."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """One dialogue's answer: the state after its turns, an estimate for each, and second looks that came due."""

    tensors: Tensors
    estimates: tuple[Estimate, ...]
    revised: tuple[Revised, ...] = ()
    tally: tuple[str, ...] = ()
    """Counts that its turns add one to: where their features fall among those of training."""
