"""One number for how well a model does on a task."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fusion.losses import concordance
from engine.training.comparison.task import Task


def measure(task: Task, rows: NDArray[np.int64], said: Tensor) -> float:
    """The task's metric over rows, of what was said of them `[R, K]`."""
    target = task.target[torch.from_numpy(rows)]
    if task.metric == "ccc":
        return float(concordance(said, target).mean())
    guessed = said.argmax(dim=1)
    if task.metric == "accuracy":
        return float((guessed == target).double().mean())
    total = 0.0
    for label in range(task.outputs):
        true, found = target == label, guessed == label
        if not true.any():
            continue
        f1 = 2 * float((true & found).sum()) / float(true.sum() + found.sum())
        total += f1 * float(true.double().mean())
    return total
