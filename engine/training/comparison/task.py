"""A task: tokens of two modalities, what is to be said of them, and who is held out when."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.protocols import Fold

Metric = Literal["accuracy", "weighted_f1", "ccc"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """One modality of every utterance, padded."""

    values: Tensor
    """`[N, T, D]`"""
    mask: Tensor
    """`[N, T]`, True = real; all False: the modality is absent."""

    def __getitem__(self, rows: Tensor) -> "Tokens":
        """Those utterances, cut to the longest of them."""
        mask = self.mask[rows]
        longest = max(1, int(mask.sum(dim=1).max())) if len(mask) else 1
        return Tokens(self.values[rows][:, :longest], mask[:, :longest])

    def absent(self) -> "Tokens":
        """The same utterances without this modality."""
        return Tokens(self.values, torch.zeros_like(self.mask))


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked."""

    name: str
    audio: Tokens
    video: Tokens
    target: Tensor
    """`[N]` classes, or `[N, K]` numbers in [-1, 1]."""
    groups: NDArray[np.str_]
    """`[N]` the speaker, dialogue or video; the dev part inside the training is made of whole groups."""
    folds: tuple[Fold, ...]
    metric: Metric
    outputs: int
    """Classes, or numbers."""
    note: str = ""
    """What a reader of the table has to know, such as "one token"."""
    conditions: NDArray[np.str_] | None = None
    """`[N]` what was done to each utterance, where gates are to be compared by it."""

    @property
    def regression(self) -> bool:
        """Whether numbers are asked for."""
        return self.target.is_floating_point()


def one_token(values: NDArray[np.float32]) -> Tokens:
    """Vectors `[N, D]` as sequences of one token; a row that holds NaN is absent."""
    tensor = torch.from_numpy(values)
    present = tensor.isfinite().all(dim=1)
    return Tokens(torch.where(present[:, None], tensor, 0.0)[:, None], present[:, None])
