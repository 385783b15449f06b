"""One number for how well a model does on a task."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fusion.losses import concordance
from engine.training.comparison.task import Task
from engine.training.scoring.scores import weighted_f1


def measure(task: Task, rows: NDArray[np.int64], said: Tensor) -> float:
    """The task's metric over rows, of what was said of them `[R, K]`."""
    target = task.target[torch.from_numpy(rows)]
    if task.metric == "ccc":
        return float(concordance(said, target).mean())
    guessed = said.argmax(dim=1)
    if task.metric == "accuracy":
        return float((guessed == target).double().mean())
    return weighted_f1(target.numpy(), guessed.numpy())
