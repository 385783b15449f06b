"""Quechua Collao: sentences read with feeling, rated in valence, arousal and dominance; acoustic features alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Card, existing

CARD = Card(
    name="Quechua Collao (features)",
    source="Paccotacya-Yanque et al., Scientific Reports 12 2022; features from a public repository",
    licence="CC BY 4.0",
    use="any",
    traps="no face and no words; neither speakers nor the targets' names are in the file, so that one speaker may be in"
    " both parts; ratings of 1 to 5 are uneven; some features have a few values far out",
)

_MIDDLE, _HALF_RANGE = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class Rated:
    """The N utterances of a part."""

    features: NDArray[np.float32]
    """`[N, 46]`"""
    ratings: NDArray[np.float32]
    """`[N, 3]` in [-1, 1]; 1 to 5 in the file."""


def read(path: Path) -> tuple[Rated, Rated]:
    """The two parts as they are given: train and valid."""
    with np.load(existing(path, "Quechua Collao"), allow_pickle=False) as archive:
        train, valid = (
            Rated(features=archive[f"x_{part}"], ratings=(archive[f"y_{part}"] - _MIDDLE) / _HALF_RANGE)
            for part in ("train", "valid")
        )
    return train, valid
