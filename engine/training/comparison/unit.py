"""One unit of the comparison: a model, a task and a seed, trained on every fold and measured on what was held out."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fusion.losses import concordance
from engine.training.comparison.contenders import numbers
from engine.training.comparison.fit import Fitted, Schedule, fit, predict
from engine.training.comparison.measure import measure
from engine.training.comparison.robustness import gates, masking
from engine.training.comparison.task import Task


@dataclass(frozen=True, slots=True)
class Unit:
    """What is trained."""

    task: str
    model: str
    seed: int

    @property
    def file(self) -> str:
        """Name of the file of its result."""
        return f"{self.task}--{self.model}--{self.seed}.json"


def settings(unit: Unit, task: Task, schedule: Schedule) -> dict[str, Any]:
    """What a result depends on beside the code: results of other settings are not mixed."""
    return {"schedule": asdict(schedule), "numbers": numbers(unit.model, task), "utterances": len(task.groups)}


def run(unit: Unit, task: Task, *, schedule: Schedule, masked: bool) -> dict[str, Any]:
    """The result of a unit, ready for JSON.

    Every row is measured once, by the model that did not learn from its fold, and all rows together give the score.
    """
    torch.set_num_threads(1)
    began_s = time.monotonic()
    chosen = numbers(unit.model, task)
    conditions = _conditions(task)
    said: dict[str, list[Tensor]] = {name: [] for name in conditions}
    folds: list[dict[str, Any]] = []
    extra: dict[str, Any] = {}
    for fold in task.folds:
        fitted = fit(unit.model, chosen, task, fold, schedule=schedule, seed=unit.seed)
        for name in conditions:
            said[name].append(_predict(fitted, task, fold.test, name))
        folds.append({"epoch": fitted.epoch, "dev": fitted.dev})
        if masked:
            extra["masking"] = masking(fitted, task, fold.test)
        if gated := gates(fitted, task, fold.test):
            extra["gates"] = gated
    rows = np.concatenate([fold.test for fold in task.folds])
    scores = {name: measure(task, rows, torch.cat(parts)) for name, parts in said.items()}
    by_condition = _by_condition(task, rows, torch.cat(said["both"]))
    return {
        "task": unit.task,
        "model": unit.model,
        "seed": unit.seed,
        "metric": task.metric,
        "note": task.note,
        "scores": scores,
        "majority": majority(task),
        "folds": folds,
        "settings": settings(unit, task, schedule),
        "seconds": round(time.monotonic() - began_s, 1),
        **by_condition,
        **extra,
    }


def majority(task: Task) -> float | None:
    """The score of who always says the training part's most frequent class; None where numbers are asked for."""
    if task.regression:
        return None
    said = []
    for fold in task.folds:
        counts = torch.bincount(task.target[torch.from_numpy(fold.train)], minlength=task.outputs)
        said.append(counts.double().expand(len(fold.test), -1))
    return measure(task, np.concatenate([fold.test for fold in task.folds]), torch.cat(said))


def _conditions(task: Task) -> tuple[str, ...]:
    has_both = bool(task.audio.mask.any()) and bool(task.video.mask.any())
    return ("both", "audio", "video") if has_both else ("both",)


def _predict(fitted: Fitted, task: Task, rows: NDArray[np.int64], condition: str) -> Tensor:
    return predict(
        fitted,
        task,
        rows,
        audio=task.audio.absent() if condition == "video" else None,
        video=task.video.absent() if condition == "audio" else None,
    )


def _by_condition(task: Task, rows: NDArray[np.int64], said: Tensor) -> Mapping[str, Any]:
    """The score of each rating, or of each kind of utterance, where the task has such."""
    if task.metric == "ccc":
        return {"ratings": concordance(said, task.target[torch.from_numpy(rows)]).tolist()}
    if task.conditions is None:
        return {}
    done = task.conditions[rows]
    return {
        "conditions": {
            str(name): measure(task, rows[done == name], said[torch.from_numpy(done == name)])
            for name in np.unique(done)
        }
    }
