"""What every corpus gives: its card, and its labelled voices, faces or turns."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import BadMedia, ConfigurationError
from engine.media.decode import decode
from engine.signals import Waveform


@dataclass(frozen=True, slots=True)
class Card:
    """What a model card says of a corpus."""

    name: str
    source: str
    licence: str
    use: Literal["any", "research only"]
    traps: str
    language: str = "English"


Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a corpus says of one recording, wherever its sound is."""

    name: str
    """Its name among those of its corpus."""
    speaker: str
    label: int
    """Index into `schemas.labels.EMOTIONS`."""
    valence: float | None = None
    """In [-1, 1] as listeners rated it; None: nobody did."""
    arousal: float | None = None
    sex: Sex | None = None
    """None: the corpus does not say."""
    language: str | None = None
    """What is spoken, in English; None: the corpus does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice(Labelled):
    """One labelled recording."""

    audio: Waveform


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Labelled grey faces."""

    images: NDArray[np.uint8]
    """`[N, 48, 48]`"""
    labels: NDArray[np.int64]
    """`[N]`, indices into `schemas.labels.EMOTIONS`."""


NO_FACES = FaceSet(images=np.zeros((0, 48, 48), dtype=np.uint8), labels=np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Turn:
    """One labelled turn of a dialogue: where its media is, by the corpus's own names."""

    speaker: str
    label: int
    voice: str | None
    """Name of the recording; None: no voice."""
    face: int | None
    """Index of the face in its part; None: no face."""
    valence: float | None = None
    """In [-1, 1] as people rated it; None: nobody did."""
    arousal: float | None = None
    sex: Sex | None = None
    """Of the voice; None: the corpus does not say."""
    language: str | None = None

    @classmethod
    def heard(cls, one: Labelled) -> "Turn":
        """A recording as a turn with a voice and no face."""
        return cls(
            speaker=one.speaker,
            label=one.label,
            voice=one.name,
            face=None,
            valence=one.valence,
            arousal=one.arousal,
            sex=one.sex,
            language=one.language,
        )


Dialogue = tuple[Turn, ...]


def ratings(dialogues: Iterable[Dialogue]) -> NDArray[np.float64]:
    """Valence and arousal `[N, 2]` of every turn, one dialogue after the other; NaN where nobody rated it."""
    rated = [(turn.valence, turn.arousal) for one in dialogues for turn in one]
    # numpy reads None as NaN.
    return np.array(rated, dtype=np.float64).reshape(-1, 2)


def existing(path: Path, what: str) -> Path:
    """The path itself, or a `ConfigurationError` that says which corpus is missing."""
    if not path.exists():
        raise ConfigurationError(f"{what} is not at {path}: say with --data where the corpora lie")
    return path


def decode_voice(content: bytes) -> Waveform:
    """A sound file's samples. Raises `BadMedia`."""
    audio = decode(content, content_type=None).audio
    if audio is None:
        raise BadMedia("a recording of the corpus has no sound")
    return audio
