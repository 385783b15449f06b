"""Two ids that turn out to be one voice: when they are, which of them stays, what becomes of the other's tensors."""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from engine.diarization.base import Enrolled, Merge
from engine.diarization.registry import CENTROID, SECONDS, STATE, RegistrySettings, cosine, known_speakers
from engine.signals import Tensors

_NUMBERED = re.compile(r"speaker-([1-9][0-9]*)")


def is_numbered(name: str) -> bool:
    """Whether this is an id the registry gives, and nobody's name."""
    return _NUMBERED.fullmatch(name) is not None


def merge(tensors: Tensors, *, settings: RegistrySettings, enrolled: Enrolled) -> tuple[tuple[Merge, ...], Tensors]:
    """Fold ids that are one voice, the surest first, until there are no more; the merges and the tensors after them.

    A numbered id is folded into an older one, or into the name of an enrolled voice, whether that was heard in this
    dialogue or not. Two names are never folded: whoever gave them said that they are two.
    """
    merges: list[Merge] = []
    while (found := _surest(tensors, settings, enrolled)) is not None:
        tensors = _folded(tensors, found)
        merges.append(found)
    return tuple(merges), tensors


def renamed(speaker: str, merges: Sequence[Merge]) -> str:
    """The id of `speaker` after `merges`."""
    for one in merges:
        speaker = one.into if speaker == one.speaker else speaker
    return speaker


def _surest(tensors: Tensors, settings: RegistrySettings, enrolled: Enrolled) -> Merge | None:
    learned = [name for name in known_speakers(tensors) if float(tensors[SECONDS + name]) >= settings.least_merged_s]
    numbered = sorted(filter(is_numbered, learned), key=_age)
    candidates = [
        (cosine(tensors[CENTROID + older], tensors[CENTROID + younger]), settings.one_voice, Merge(younger, older))
        for older, younger in combinations(numbered, 2)
    ]
    for name in (name for name in learned if not is_numbered(name)):
        candidates += [
            (cosine(tensors[CENTROID + name], tensors[CENTROID + number]), settings.one_voice, Merge(number, name))
            for number in numbered
        ]
    for name, voice in sorted(enrolled.items()):
        candidates += [
            (cosine(voice, tensors[CENTROID + number]), settings.enrolled_voice, Merge(number, name))
            for number in numbered
        ]
    alike = [(likeness, one) for likeness, least, one in candidates if likeness >= least]
    return max(alike, key=lambda each: each[0])[1] if alike else None


def _folded(tensors: Tensors, one: Merge) -> Tensors:
    """The tensors with one id less.

    The centroid is the mean of both by their seconds. The dialogue's state of a speaker cannot be averaged (a recurrent
    state is no mean of what it saw), so the one that stays keeps its own, which has stepped longer; a name that has not
    spoken yet takes over the other's.
    """
    gone_s = float(tensors[SECONDS + one.speaker])
    kept_s = float(tensors.get(SECONDS + one.into, np.float32(0)))
    gone = tensors[CENTROID + one.speaker]
    kept = tensors.get(CENTROID + one.into, np.zeros_like(gone))
    after = {name: value for name, value in tensors.items() if name.partition("/")[2] != one.speaker}
    after[CENTROID + one.into] = np.asarray((kept * kept_s + gone * gone_s) / (kept_s + gone_s), dtype=np.float32)
    after[SECONDS + one.into] = np.asarray(kept_s + gone_s, dtype=np.float32)
    if STATE + one.speaker in tensors:
        after.setdefault(STATE + one.into, tensors[STATE + one.speaker])
    return after


def _age(name: str) -> int:
    return int(name.removeprefix("speaker-"))
