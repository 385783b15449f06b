"""What AVAFN hears of a turn: its features and the linear front's scores, both scaled by the training part."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.corpora.featured import FeaturedTurns
from engine.training.evidence.linear import evidence
from engine.training.evidence.panel import Panel, panel
from engine.training.evidence.setting import Setting

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Voices:
    """A table of voices, a row a turn."""

    heard: Tensor
    """`[N, D]` what the CAM is given."""
    scores: Tensor
    """`[N, 7]` of the linear front."""

    def at(self, rows: Tensor) -> "Voices":
        """Those rows."""
        return Voices(self.heard[rows], self.scores[rows])


@dataclass(frozen=True, slots=True)
class Tokens:
    """One fold: no dialogue is in both parts."""

    train: Voices
    learn: Panel
    """The training dialogues, over `train`."""
    test: Voices
    ask: Panel
    """The test dialogues, over `test`."""


def tokens(train: FeaturedTurns, test: FeaturedTurns, setting: Setting) -> Tokens:
    """The tokens of a fold. The scores of a training turn are those of a front that learned from other dialogues."""
    scores = evidence(train.audio, train.labels, train.dialogues, test.audio, shrinkage=setting.shrinkage)
    found = np.unique(train.labels)
    parts = [_scaled(scores[0][:, found], scores[1][:, found], spread=1.0)]
    if setting.features:
        parts.append(_scaled(train.audio, test.audio, spread=setting.features))
    own, asked = (
        Voices(torch.from_numpy(np.concatenate(heard, axis=1)).float(), torch.from_numpy(said).float())
        for heard, said in zip(zip(*parts, strict=True), scores, strict=True)
    )
    return Tokens(own, of_turns(train), asked, of_turns(test))


def of_turns(turns: FeaturedTurns) -> Panel:
    """Dialogues whose turns have voices."""
    return panel(turns.labels, turns.speakers, turns.dialogues)


def _scaled(
    own: NDArray[np.floating], asked: NDArray[np.floating], *, spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean, width = own.mean(axis=0, dtype=np.float64), own.std(axis=0, dtype=np.float64) + _LEAST_SPREAD
    return spread * (own - mean) / width, spread * (asked - mean) / width
