"""What is left of a model's score when a modality is missing, or more and more of its values are random."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.comparison.fit import Fitted, predict
from engine.training.comparison.measure import measure
from engine.training.comparison.task import Task, Tokens

SHARES = tuple(tenth / 10 for tenth in range(1, 10))
"""ATTSF-Net's Table V."""
ROWS = 500
"""Of the test part, drawn once for all models."""


def masking(fitted: Fitted, task: Task, test: NDArray[np.int64]) -> Mapping[str, list[float]]:
    """The metric on a fixed part of the test rows: as they are, then with each share of one modality's values random.

    A value that is replaced is drawn from a normal distribution with its feature's mean and spread in the training
    part; which values, and by what, is the same for every model.
    """
    rows = np.sort(np.random.default_rng(0).permutation(test)[:ROWS])
    intact = measure(task, rows, predict(fitted, task, rows))
    found: dict[str, list[float]] = {}
    for name, tokens, scale in (("audio", task.audio, fitted.scales[0]), ("video", task.video, fitted.scales[1])):
        generator = torch.Generator().manual_seed(0)
        found[name] = [intact]
        for share in SHARES:
            said = predict(fitted, task, rows, **{name: replaced(tokens, rows, share, scale, generator)})
            found[name].append(measure(task, rows, said))
    return found


def replaced(
    tokens: Tokens,
    rows: NDArray[np.int64],
    share: float,
    scale: tuple[Tensor, Tensor],
    generator: torch.Generator,
) -> Tokens:
    """All the tokens, those of `rows` with `share` of their values replaced."""
    mean, spread = scale
    values = tokens.values.clone()
    those = values[rows]
    noise = mean + spread * torch.randn(those.shape, generator=generator)
    values[rows] = torch.where(torch.rand(those.shape, generator=generator) < share, noise, those)
    return Tokens(values, tokens.mask)


def gates(fitted: Fitted, task: Task, test: NDArray[np.int64]) -> Mapping[str, Mapping[str, float]]:
    """The mean of each of the model's own weights, by what was done to the utterances; empty where it has none."""
    if task.conditions is None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for condition in np.unique(task.conditions[test]):
        rows = torch.from_numpy(test[task.conditions[test] == condition])
        with torch.no_grad():
            fused = [fitted.fused(task.audio[part], task.video[part]).gate for part in torch.split(rows, 256)]
        for name in fused[0]:
            found.setdefault(str(condition), {})[name] = float(torch.cat([one[name] for one in fused]).mean())
    return found
