"""RAVDESS's audio-visual performances as one vector a modality: facial action units and audio statistics."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Card, existing

CARD = Card(
    name="RAVDESS (action units and audio features)",
    source="Livingstone and Russo, PLoS ONE 13(5) 2018, doi 10.5281/zenodo.1188976; features from a public repository",
    licence="CC BY-NC-SA 4.0",
    use="research only",
    traps="acted, two sentences only, 20 actors; eight emotions, neutral has half the performances of the others; a"
    " random split has the same actor on both sides and says nothing",
)

CLASSES = 8
"""Neutral, calm, happy, sad, angry, fearful, disgust, surprised: RAVDESS's own, in its order."""


@dataclass(frozen=True, slots=True)
class Performances:
    """The N performances, as they stand in the file."""

    units: NDArray[np.float32]
    """`[N, 35]` of the face."""
    audio: NDArray[np.float32]
    """`[N, 259]`, one value a frame over the first three seconds, 0 after the end of a shorter recording."""
    labels: NDArray[np.int64]
    """`[N]`, RAVDESS's emotion less one."""
    actors: NDArray[np.str_]
    """`[N]`"""
    names: NDArray[np.str_]
    """`[N]`, RAVDESS's, without an ending."""


def read(path: Path) -> Performances:
    """All performances; the third field of a name is the emotion, the last one the actor."""
    with np.load(existing(path, "RAVDESS's features"), allow_pickle=False) as archive:
        fields = [str(name).split("-") for name in archive["name"]]
        return Performances(
            units=archive["action_units"],
            audio=archive["audio"],
            labels=np.array([int(field[2]) - 1 for field in fields], dtype=np.int64),
            actors=np.array([field[6] for field in fields]),
            names=archive["name"],
        )
