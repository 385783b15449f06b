"""Performances as two vectors a fold: action units, and what is known of the audio."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.corpora import ravdess_units
from engine.training.corpora.ravdess_units import Performances
from engine.training.protocols import Fold, by_group
from engine.training.units.contour import described
from engine.training.units.recipe import Protocol, UnitsRecipe
from engine.training.units.voices import heard

FILE = "ravdess_av_features.npz"
RECORDINGS = "ravdess_speech_16k.tar"

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Material:
    """All performances, and who is held out when."""

    performances: Performances
    folds: tuple[Fold, ...]
    label: str
    """Stands beside every figure that was measured this way."""
    audio: Sequence[NDArray[np.float32]]
    """`[N, Da]` a fold."""
    units: NDArray[np.float32]
    """`[N, Du]`"""


@dataclass(frozen=True, slots=True)
class Scaled:
    """What a fold's model is given: every value standardised by the fold's training part."""

    audio: Tensor
    """`[N, Da]`"""
    units: Tensor
    """`[N, Du]`"""

    def at(self, rows: NDArray[np.int64]) -> "Scaled":
        """Those performances."""
        return Scaled(self.audio[rows], self.units[rows])


def read(recipe: UnitsRecipe, *, data: Path) -> Material:
    """The performances as a recipe wants them. Raises `ConfigurationError`: something is not there."""
    performances = ravdess_units.read(data / FILE)
    folds, label = _folds(performances.actors, recipe.protocol)
    # Intensities are counted from 0 and skewed: their roots are compared more evenly.
    units = np.sqrt(performances.units)
    if recipe.material.voices is None:
        audio = [described(performances.audio)] * len(folds)
    else:
        audio = heard(recipe.material.voices, data / RECORDINGS, performances, folds)
    if recipe.material.by_actor:
        label += "; each actor's values standardised by all of his own performances"
        units, audio = _of_each(units, performances.actors), [_of_each(one, performances.actors) for one in audio]
    return Material(performances=performances, folds=folds, label=label, audio=audio, units=units)


def scaled(material: Material, fold: int) -> Scaled:
    """What the model of a fold is given."""
    train = material.folds[fold].train
    return Scaled(_standardised(material.audio[fold], train), _standardised(material.units, train))


def _folds(actors: NDArray[np.str_], protocol: Protocol) -> tuple[tuple[Fold, ...], str]:
    outer = by_group(actors, folds=protocol.folds, seed=protocol.seed)
    if protocol.name == "actors":
        return outer, f"{protocol.folds} folds of whole actors"
    learned = outer[0].train
    inner = by_group(actors[learned], folds=protocol.inner, seed=protocol.seed + 1)
    folds = tuple(Fold(learned[fold.train], learned[fold.test]) for fold in inner)
    return folds, f"for choosing: {protocol.inner} folds of the actors that fold 1 of {protocol.folds} learns from"


def _standardised(values: NDArray[np.float32], rows: NDArray[np.int64]) -> Tensor:
    mean, spread = values[rows].mean(axis=0), values[rows].std(axis=0)
    return torch.from_numpy(((values - mean) / np.maximum(spread, _LEAST_SPREAD)).astype(np.float32))


def _of_each(values: NDArray[np.float32], actors: NDArray[np.str_]) -> NDArray[np.float32]:
    found = np.empty_like(values)
    for actor in np.unique(actors):
        own = values[actors == actor]
        found[actors == actor] = (own - own.mean(axis=0)) / np.maximum(own.std(axis=0), _LEAST_SPREAD)
    return found
