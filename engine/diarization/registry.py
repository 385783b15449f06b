"""The voices of one dialogue: who was heard before, kept as named tensors and replaced by value.

Two tensors a speaker: `centroid/<id>` `[D]`, the mean of the embeddings learned so far weighted by their seconds, and
`centroid_s/<id>` `[]`, those seconds. A weight of 0 marks an id that was given to a sound too brief to be learned while
nobody was known yet; the first voice that is learned takes it over.
"""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.signals import Tensors

_CENTROID = "centroid/"
_SECONDS = "centroid_s/"
_SPEAKER = "speaker/"


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """When a voice is one that is known; how these were chosen stands in the README of the package."""

    same_voice: float = 0.75
    """Cosine similarity to a centroid from which a voice is that speaker's and is learned."""
    new_voice: float = 0.72
    """Cosine similarity to every centroid below which a voice is a stranger's. In between it goes to whom it resembles
    most and teaches nothing."""
    least_new_s: float = 0.8
    """A stranger who speaks for less makes no new speaker."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whose voice it is, and the tensors after it was learned."""

    speaker: str
    tensors: Tensors


def known_speakers(tensors: Tensors) -> tuple[str, ...]:
    """Ids of the speakers whose voice has been learned, by name."""
    return tuple(
        sorted(
            name.removeprefix(_SECONDS) for name, value in tensors.items() if name.startswith(_SECONDS) and value > 0
        )
    )


def recognise(
    tensors: Tensors,
    embedding: NDArray[np.float32],
    *,
    speech_s: float,
    settings: RegistrySettings,
    taken: Set[str] = frozenset(),
) -> Recognition:
    """Find the speaker of `embedding` `[D]`, heard for `speech_s` seconds, and learn from it.

    A voice that resembles a known one is that speaker and moves the centroid. A strange one becomes the next
    `speaker-N` if it was heard long enough; a briefer sound goes to whom it resembles most (without an embedding, NaN:
    to whom was heard most) and teaches nothing. A name in `taken` is nobody's next id.
    """
    known = known_speakers(tensors)
    described = bool(np.isfinite(embedding).all())
    if not known:
        speaker = _reserved(tensors) or _next_id(tensors, taken)
        if described and speech_s >= settings.least_new_s:
            return _learned(tensors, speaker, embedding, speech_s)
        return Recognition(speaker, _with(tensors, speaker, np.zeros_like(embedding), 0.0))
    if not described:
        return Recognition(max(known, key=lambda speaker: float(tensors[_SECONDS + speaker])), tensors)
    likeness = {speaker: _cosine(tensors[_CENTROID + speaker], embedding) for speaker in known}
    nearest = max(known, key=lambda speaker: likeness[speaker])
    if likeness[nearest] >= settings.same_voice:
        return _learned(tensors, nearest, embedding, speech_s)
    if likeness[nearest] < settings.new_voice and speech_s >= settings.least_new_s:
        return _learned(tensors, _reserved(tensors) or _next_id(tensors, taken), embedding, speech_s)
    return Recognition(nearest, tensors)


def _learned(tensors: Tensors, speaker: str, embedding: NDArray[np.float32], speech_s: float) -> Recognition:
    before_s = float(tensors.get(_SECONDS + speaker, np.float32(0)))
    before = tensors.get(_CENTROID + speaker, np.zeros_like(embedding))
    after_s = before_s + speech_s
    unit = embedding / np.linalg.norm(embedding)
    centroid = np.asarray((before * before_s + unit * speech_s) / after_s, dtype=np.float32)
    return Recognition(speaker, _with(tensors, speaker, centroid, after_s))


def _with(tensors: Tensors, speaker: str, centroid: NDArray[np.float32], seconds: float) -> Tensors:
    return {
        **tensors,
        _CENTROID + speaker: centroid,
        _SECONDS + speaker: np.asarray(seconds, dtype=np.float32),
    }


def _reserved(tensors: Tensors) -> str | None:
    empty = (name for name, value in tensors.items() if name.startswith(_SECONDS) and value == 0)
    return min((name.removeprefix(_SECONDS) for name in empty), default=None)


def _next_id(tensors: Tensors, taken: Set[str]) -> str:
    # A producer may have named somebody `speaker-1` too: an id that is taken or has a state is never given twice.
    used = taken | {name.split("/", 1)[1] for name in tensors if name.startswith((_CENTROID, _SPEAKER))}
    return next(name for n in range(1, len(used) + 2) if (name := f"speaker-{n}") not in used)


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
