"""The voices of one dialogue: who was heard before, kept as named tensors and replaced by value.

Two tensors a speaker: `centroid/<id>` `[D]`, the mean of the embeddings learned so far weighted by their seconds, and
`centroid_s/<id>` `[]`, those seconds. A weight of 0 marks an id that was given to a sound too brief to be learned while
nobody was known yet; the first voice that is learned takes it over.
"""

import math
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.diarization.base import NOBODY, Enrolled
from engine.signals import Tensors

CENTROID = "centroid/"
SECONDS = "centroid_s/"
STATE = "speaker/"

_LEAST_S = 0.2
"""Speech of a voice that is described at all, or nearly."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """When a voice is one that is known; how these were chosen stands in the README of the package."""

    new_voice: float = 0.89
    """Likeness (see `yardsticks`) to every known voice below which a voice is a stranger's, where both were heard for
    long and the dialogue has just begun."""
    brevity: float = 0.02
    """A voice may be less like itself by so much over the windows' worth that was heard of it: for either of the two
    that are compared."""
    familiarity: float = 0.01
    """The longer a dialogue goes on the less a stranger is expected: by so much for each e-fold of its speech."""
    familiar_s: float = 10.0
    """Speech after which that begins to count."""
    least_new_s: float = 1.2
    """A stranger who speaks for less makes no new speaker, and nobody is known by name from less."""
    cohesion: float = 0.76
    """Mean cosine between windows of one voice, where it is not known better."""
    cohesion_windows: float = 20.0
    """So many windows' worth that is believed."""
    window_s: float = 1.6
    """Length of the windows whose mean a centroid is."""
    enrolled_s: float = 10.0
    """Speech an enrolled voice was learned from, at the least."""
    enrolled_voice: float = 0.84
    """Cosine similarity to an enrolled voice from which a voice has that name: a wrong name is worse than a number."""
    one_voice: float = 0.89
    """Cosine similarity of two centroids from which they are one voice: as a likeness about 0.96, far enough above
    `new_voice` that nobody who was parted by a hair is joined by one."""
    least_merged_s: float = 4.0
    """Both centroids have learned for so long before they are compared."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Whose voice it is, and the tensors after it was learned."""

    speaker: str
    tensors: Tensors


def yardsticks(tensors: Tensors, *, enrolled: Enrolled, settings: RegistrySettings) -> dict[str, NDArray[np.float32]]:
    """What an unknown voice is measured by, of everybody who is known by voice.

    The dot product of a yardstick `[D]` and the mean of an unknown voice's windows is near 1 where it is the same
    voice, whatever the room, the line and the length: it is the mean cosine of the unknown voice to the known one over
    the mean cosine of the known one to itself.
    """
    known = {name: (tensors[CENTROID + name], float(tensors[SECONDS + name])) for name in known_speakers(tensors)}
    learned = {name: (voice, settings.enrolled_s) for name, voice in enrolled.items()}
    return {
        name: np.asarray(centroid / _cohesion(centroid, seconds, settings), dtype=np.float32)
        for name, (centroid, seconds) in {**learned, **known}.items()
    }


def _cohesion(centroid: NDArray[np.float32], seconds: float, settings: RegistrySettings) -> float:
    """Mean cosine of a voice to itself.

    The square of the length of the mean of unit vectors is their mean cosine, each with itself included, which has to
    be taken out; and of a voice that was heard briefly it is known badly, so that it is drawn to what is usual.
    """
    others = max(0.0, seconds / settings.window_s - 1)
    own = float(centroid @ centroid) * (others + 1) - 1 if others else 0.0
    believed = settings.cohesion_windows
    return max((own + believed * settings.cohesion) / (others + believed), 0.1)


def known_speakers(tensors: Tensors) -> tuple[str, ...]:
    """Ids of the speakers whose voice has been learned, by name."""
    return tuple(
        sorted(name.removeprefix(SECONDS) for name, value in tensors.items() if name.startswith(SECONDS) and value > 0)
    )


def recognise(
    tensors: Tensors,
    embedding: NDArray[np.float32],
    *,
    speech_s: float,
    settings: RegistrySettings,
    taken: Set[str] = frozenset(),
    enrolled: Enrolled = NOBODY,
    most: int | None = None,
) -> Recognition:
    """Find the speaker of `embedding` `[D]`, heard for `speech_s` seconds, and learn from it.

    A voice that resembles a known one, for how briefly they were heard, is that speaker and moves the centroid. A
    strange one becomes the next `speaker-N` if it was heard long enough; a briefer sound goes to whom it resembles most
    (without an embedding, NaN: to whom was heard most) and teaches nothing. So does a stranger where `most` voices are
    known already. A name in `taken` is nobody's next id. Who is nearer to an enrolled voice than to any other has that
    voice's name.
    """
    known = known_speakers(tensors)
    described = bool(np.isfinite(embedding).all())
    if described and speech_s >= settings.least_new_s:
        name = _enrolled_as(embedding, tensors, enrolled, settings)
        if name is not None:
            return _learned(tensors, name, embedding, speech_s)
    if not known:
        speaker = _reserved(tensors) or _next_id(tensors, taken)
        if described and speech_s >= settings.least_new_s:
            return _learned(tensors, speaker, embedding, speech_s)
        return Recognition(speaker, _with(tensors, speaker, np.zeros_like(embedding), 0.0))
    if not described:
        return Recognition(max(known, key=lambda speaker: float(tensors[SECONDS + speaker])), tensors)
    above = _above(tensors, embedding, speech_s, settings)
    nearest = max(known, key=lambda speaker: above[speaker])
    if above[nearest] >= 0:
        return _learned(tensors, nearest, embedding, speech_s)
    room = most is None or len(known) < most
    if room and speech_s >= settings.least_new_s:
        return _learned(tensors, _reserved(tensors) or _next_id(tensors, taken), embedding, speech_s)
    return Recognition(nearest, tensors)


def _above(
    tensors: Tensors, embedding: NDArray[np.float32], speech_s: float, settings: RegistrySettings
) -> dict[str, float]:
    """How far the likeness to each known voice lies above what may be asked of it.

    That is less where less was heard: the likeness of two parts of one voice scatters with the inverse of either's
    length, and a voice that was heard once is less like itself than one that was heard on several occasions.
    """
    heard_s = {speaker: float(tensors[SECONDS + speaker]) for speaker in known_speakers(tensors)}
    expected = settings.new_voice - settings.familiarity * math.log1p(sum(heard_s.values()) / settings.familiar_s)
    brief = settings.brevity * settings.window_s
    measures = yardsticks(tensors, enrolled=NOBODY, settings=settings)
    return {
        speaker: float(measures[speaker] @ embedding) - expected + brief / known_s + brief / max(speech_s, _LEAST_S)
        for speaker, known_s in heard_s.items()
    }


def _enrolled_as(
    embedding: NDArray[np.float32], tensors: Tensors, enrolled: Enrolled, settings: RegistrySettings
) -> str | None:
    """Whose enrolled voice it is, unless it is nearer to a voice of this dialogue."""
    likeness = {name: cosine(voice, embedding) for name, voice in enrolled.items()}
    nearest = max(sorted(likeness), key=lambda name: likeness[name], default=None)
    if nearest is None or likeness[nearest] < settings.enrolled_voice:
        return None
    others = (cosine(tensors[CENTROID + name], embedding) for name in known_speakers(tensors) if name != nearest)
    return nearest if likeness[nearest] > max(others, default=-1.0) else None


def _learned(tensors: Tensors, speaker: str, embedding: NDArray[np.float32], speech_s: float) -> Recognition:
    before_s = float(tensors.get(SECONDS + speaker, np.float32(0)))
    before = tensors.get(CENTROID + speaker, np.zeros_like(embedding))
    after_s = before_s + speech_s
    centroid = np.asarray((before * before_s + embedding * speech_s) / after_s, dtype=np.float32)
    return Recognition(speaker, _with(tensors, speaker, centroid, after_s))


def _with(tensors: Tensors, speaker: str, centroid: NDArray[np.float32], seconds: float) -> Tensors:
    return {
        **tensors,
        CENTROID + speaker: centroid,
        SECONDS + speaker: np.asarray(seconds, dtype=np.float32),
    }


def _reserved(tensors: Tensors) -> str | None:
    empty = (name for name, value in tensors.items() if name.startswith(SECONDS) and value == 0)
    return min((name.removeprefix(SECONDS) for name in empty), default=None)


def _next_id(tensors: Tensors, taken: Set[str]) -> str:
    # A producer may have named somebody `speaker-1` too: an id that is taken or has a state is never given twice.
    used = taken | {name.split("/", 1)[1] for name in tensors if name.startswith((CENTROID, STATE))}
    return next(name for n in range(1, len(used) + 2) if (name := f"speaker-{n}") not in used)


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Cosine similarity of two embeddings or centroids `[D]`."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
