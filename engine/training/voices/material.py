"""The recordings that a voice encoder learns from: each corpus with classes of its own, silence cut off both ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.signals import SAMPLE_RATE_HZ, Waveform
from engine.training.corpora import emodb, ravdess
from engine.training.corpora.base import Card, Voice
from engine.training.voices.recipe import Corpora
from schemas.labels import EMOTIONS

RAVDESS_CLASSES = ("neutral", "calm", "joy", "sadness", "anger", "fear", "disgust", "surprise")
EMODB_CLASSES = tuple(emotion for emotion in EMOTIONS if emotion in emodb.LABELS.values())

_COUNTS_AS = {"calm": "neutral"}
_BELOW_DB = 40.0
_FRAME = SAMPLE_RATE_HZ // 50
_MARGIN = SAMPLE_RATE_HZ // 10
_SILENCE = 1e-12


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus; a voice's `label` is an index into `classes`."""

    name: str
    card: Card
    classes: tuple[str, ...]
    voices: Sequence[Voice]

    @property
    def emotions(self) -> tuple[int, ...]:
        """The emotion that each class counts as, an index into `schemas.labels.EMOTIONS`."""
        return tuple(EMOTIONS.index(_COUNTS_AS.get(name, name)) for name in self.classes)


def read(corpora: Corpora, *, data: Path) -> tuple[Corpus, ...]:
    """The corpora of a recipe; `calm` is a class of its own here. Raises `ConfigurationError`: one is not there.

    EmoDB comes with the two speakers of the bundled sample call: what has learned from them is measured, not shipped.
    """
    found = []
    if corpora.ravdess is not None:
        found.append(of_ravdess(ravdess.read(data / corpora.ravdess, actors=range(1, 25))))
    if corpora.emodb is not None:
        found.append(of_emodb(emodb.read(data / corpora.emodb, speakers=range(1, 17))))
    return tuple(found)


def of_ravdess(voices: Sequence[Voice]) -> Corpus:
    """Its eight classes, from the names of its recordings."""
    labelled = [replace(_trimmed(one), label=int(one.name.split("-")[2]) - 1) for one in voices]
    return Corpus("ravdess", ravdess.CARD, RAVDESS_CLASSES, labelled)


def of_emodb(voices: Sequence[Voice]) -> Corpus:
    """Its six classes, without boredom."""
    labelled = [replace(_trimmed(one), label=EMODB_CLASSES.index(EMOTIONS[one.label])) for one in voices]
    return Corpus("emodb", emodb.CARD, EMODB_CLASSES, labelled)


def trimmed(audio: Waveform) -> Waveform:
    """What lies between the first and the last 20 ms within 40 dB of the loudest, and a tenth of a second around it.

    A stream's turns come without the second of silence that recordings of a studio begin and end with.
    """
    frames = len(audio) // _FRAME
    if not frames:
        return audio
    power = np.square(audio[: frames * _FRAME]).reshape(frames, _FRAME).mean(axis=1)
    decibels = 10 * np.log10(power + _SILENCE)
    loud = np.flatnonzero(decibels > decibels.max() - _BELOW_DB)
    return audio[max(0, loud[0] * _FRAME - _MARGIN) : (loud[-1] + 1) * _FRAME + _MARGIN]


def _trimmed(voice: Voice) -> Voice:
    return replace(voice, audio=trimmed(voice.audio))
