"""What is left of MOSI's voice and picture when the columns that give the labels away are taken out.

python -m tests.benchmarks.fusion.mosi --data ../shared/data --json tests/benchmarks/results/mosi.json

A column that tells the labels alone, by more than a limit of AUC on the training part of a fold, is not read in that
fold. What is spread over the columns that stay is not found this way.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from engine.training.comparison import one_token
from engine.training.comparison.contenders import LINEAR, numbers
from engine.training.comparison.fit import fit, predict
from engine.training.comparison.measure import measure
from engine.training.comparison.task import Task, Tokens
from engine.training.comparison.tasks import TASKS
from engine.training.protocols import Fold

LIMITS = (1.0, 0.6, 0.575, 0.55)
MODELS = (LINEAR, "tca")


def told_alone(values: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """By each column alone, the AUC of whichever direction is better, `[N, D]` to `[D]`."""
    positive = labels == 1
    ones, zeros = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(values, axis=0)[positive].sum(axis=0)
    area = (ranks - ones * (ones + 1) / 2) / (ones * zeros)
    return np.asarray(np.maximum(area, 1 - area))


def within(task: Task, fold: Fold, limit: float) -> Task:
    """The task of this fold alone, without the columns beyond the limit on its training part."""
    labels = task.target.numpy()[fold.train]

    def kept(tokens: Tokens) -> Tokens:
        told = told_alone(tokens.values[fold.train, 0].numpy(), labels)
        return Tokens(tokens.values[..., torch.from_numpy(told <= limit)], tokens.mask)

    return replace(task, audio=kept(task.audio), video=kept(task.video), folds=(fold,))


def measured(task: Task, model: str, limit: float) -> dict[str, Any]:
    """Weighted F1 over all folds, with both modalities and with each alone, and how many columns were left."""
    said: dict[str, list[torch.Tensor]] = {"both": [], "voice": [], "picture": []}
    columns: list[tuple[int, int]] = []
    for fold in task.folds:
        left = within(task, fold, limit)
        columns.append((left.audio.values.shape[-1], left.video.values.shape[-1]))
        fitted = fit(model, numbers(model, left), left, fold, schedule=TASKS["mosi"].schedule, seed=0)
        said["both"].append(predict(fitted, left, fold.test))
        said["voice"].append(predict(fitted, left, fold.test, video=left.video.absent()))
        said["picture"].append(predict(fitted, left, fold.test, audio=left.audio.absent()))
    rows = np.concatenate([fold.test for fold in task.folds])
    scores = {name: round(measure(task, rows, torch.cat(parts)), 4) for name, parts in said.items()}
    voice, picture = (mean(column) for column in zip(*columns, strict=True))
    return {"model": model, "limit": limit, "voice_columns": voice, "picture_columns": picture, **scores}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a line a row, keep all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    task = one_token.sentiment(chosen.data / "mosi_train.npz")
    rows = []
    for limit in LIMITS:
        for model in MODELS:
            rows.append(measured(task, model, limit))
            print(json.dumps(rows[-1]), flush=True)
    chosen.json.write_text(json.dumps({"metric": "weighted_f1", "note": task.note, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
