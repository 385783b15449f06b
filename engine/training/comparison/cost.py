"""What a model costs: parameters, multiply-adds, and the time an utterance takes at three batch sizes."""

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import torch

from engine.layers.macs import macs
from engine.training.comparison.contenders import build, numbers
from engine.training.comparison.task import Task

BATCHES = (1, 8, 64)
_RUNS = 15


def cost(name: str, task: Task) -> Mapping[str, Any]:
    """Of a fresh model on test rows of a task: what it costs does not depend on what it has learned.

    Times are processor time, the median of several runs on one thread, from tokens to logits, without the encoders.
    """
    torch.set_num_threads(1)
    model = build(name, numbers(name, task), task).eval().requires_grad_(False)
    test = torch.from_numpy(task.folds[0].test)

    def given(rows: int) -> tuple[torch.Tensor, ...]:
        some = test[torch.arange(rows) % len(test)]
        audio, video = task.audio[some], task.video[some]
        return audio.values, audio.mask, video.values, video.mask

    one = given(1)
    spent: dict[str, float] = {}
    for rows in BATCHES:
        batch = given(rows)
        model.fuse(*batch)
        took_s = []
        for _ in range(_RUNS):
            began_s = time.process_time()
            model.fuse(*batch)
            took_s.append(time.process_time() - began_s)
        spent[str(rows)] = round(median(took_s) / rows * 1000, 4)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "macs": macs(lambda: model.fuse(*one)),
        "ms": spent,
    }
