"""The bins of turns as names of counts: what is added to a process's figures, and read from them again."""

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.drift.bins import Bins


def kind(modality: str) -> str:
    """What stands before the colon in all the names of a modality."""
    return f"{modality}_features"


def named(modality: str, places: Iterable[int]) -> Iterable[str]:
    """The count of each measure that a turn adds one to, by the bin it is in."""
    return (_name(modality, measure, place) for measure, place in enumerate(places))


def counted(modality: str, bins: Bins, counts: Mapping[str, int]) -> NDArray[np.float64]:
    """How many turns of a process's counts fell into each bin, `[M, B]`."""
    measures, size = bins.counts.shape
    return np.array(
        [[counts.get(_name(modality, measure, place), 0) for place in range(size)] for measure in range(measures)],
        dtype=np.float64,
    )


@cache
def _name(modality: str, measure: int, place: int) -> str:
    return f"{kind(modality)}:{measure}.{place}"
