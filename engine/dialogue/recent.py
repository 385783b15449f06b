"""The last turns of a dialogue as named tensors: what a second look at them needs, kept until it was taken.

`recent/<id>` `[n, 3, d]` float32 holds u, v and E of n turns of that speaker, `recent_turn/<id>` `[n]` int64 the
numbers of those turns. They are named by speaker like everything of a person: who is erased is erased from here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import SnapshotMismatch
from engine.signals import Tensors

RECENT = "recent/"
NUMBERS = "recent_turn/"


@dataclass(frozen=True, slots=True)
class Recent:
    """A turn that may be looked at again."""

    number: int
    """Which turn of its dialogue it is."""
    speaker: str
    u: NDArray[np.float32]
    """`[d]`"""
    v: NDArray[np.float32]
    """`[d]`"""
    emotion: NDArray[np.float32]
    """`[d]` E of the forward states."""


def numbers(tensors: Tensors) -> frozenset[int]:
    """The numbers of the turns that are kept."""
    named = (array for name, array in tensors.items() if name.startswith(NUMBERS))
    return frozenset(int(number) for array in named for number in array)


def without(tensors: Tensors) -> Tensors:
    """The tensors that are not of recent turns."""
    return {name: array for name, array in tensors.items() if not name.startswith((RECENT, NUMBERS))}


def pack(turns: Iterable[Recent]) -> Tensors:
    """Recent turns by name."""
    by_speaker: dict[str, list[Recent]] = {}
    for turn in turns:
        by_speaker.setdefault(turn.speaker, []).append(turn)
    rows = {RECENT + name: np.stack([(t.u, t.v, t.emotion) for t in own]) for name, own in by_speaker.items()}
    said = {NUMBERS + name: np.array([t.number for t in own], np.int64) for name, own in by_speaker.items()}
    return {**rows, **said}


def unpack(tensors: Tensors, *, width: int) -> list[Recent]:
    """Recent turns in the order of the dialogue: the inverse of `pack`. Raises `SnapshotMismatch` for other shapes."""
    turns = []
    for name in (name for name in tensors if name.startswith(NUMBERS)):
        speaker = name.removeprefix(NUMBERS)
        rows = tensors.get(RECENT + speaker)
        if rows is None or rows.shape != (len(tensors[name]), 3, width) or not np.isfinite(rows).all():
            raise SnapshotMismatch(f"{RECENT + speaker!r} does not hold u, v and E of its turns, each {width} wide")
        turns += [Recent(int(number), speaker, *row) for number, row in zip(tensors[name], rows, strict=True)]
    return sorted(turns, key=lambda turn: turn.number)
