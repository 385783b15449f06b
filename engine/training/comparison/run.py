"""The comparison as a whole: units and costs, each in a small file of its own, so that an interruption loses one."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError
from engine.training.comparison.contenders import MODELS, NUMBERS
from engine.training.comparison.cost import cost
from engine.training.comparison.fit import Schedule
from engine.training.comparison.task import Task
from engine.training.comparison.tasks import TASKS
from engine.training.comparison.unit import Unit, run
from engine.training.corpora.base import existing

UNITS, COSTS = "units", "costs"

Progress = Callable[[str, int, int], None]
"""What was finished, how many are, of how many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared, and where its results lie."""

    data: Path
    out: Path
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    seeds: int
    epochs: int | None = None
    """Instead of each task's own number."""

    def units(self) -> list[Unit]:
        """All of them, seed by seed: what is there after a while has every model in it."""
        return [
            Unit(task, model, seed)
            for seed in range(self.seeds)
            for task in self.tasks
            for model in self.models
            if model in TASKS[task].models
        ]

    def schedule(self, task: str) -> Schedule:
        """How the models learn this task."""
        own = TASKS[task].schedule
        return own if self.epochs is None else replace(own, epochs=self.epochs)


def compare(plan: Plan, *, jobs: int, progress: Progress) -> None:
    """Train and measure what is not in the folder yet, in `jobs` processes.

    Raises `ConfigurationError` for an unknown name, a corpus that is not there, or a folder with other settings.
    """
    check(plan)
    work = [unit for unit in plan.units() if not _kept(plan, unit)]
    whole = len(plan.units())
    done = whole - len(work)
    progress("", done, whole)
    for unit in _finished(plan, work, jobs):
        done += 1
        progress(f"{unit.task}, {unit.model}, seed {unit.seed}", done, whole)


def measure_costs(plan: Plan) -> None:
    """Measure what each model costs on each task, where it is not known yet; best when nothing else runs."""
    for unit in plan.units():
        path = plan.out / COSTS / f"{unit.task}--{unit.model}.json"
        if not path.is_file():
            _write(path, cost(unit.model, _task(unit.task, plan.data)))


def check(plan: Plan) -> None:
    """Raise `ConfigurationError` for what would fail later."""
    for asked, known, what in ((plan.tasks, TASKS, "task"), (plan.models, MODELS, "model")):
        for name in asked:
            if name not in known:
                raise ConfigurationError(f"there is no {what} {name!r}; there are {', '.join(known)}")
    for task in plan.tasks:
        for file in TASKS[task].files:
            existing(plan.data / file, f"the task {task}'s {file}")
    if not plan.units():
        raise ConfigurationError("none of these models takes part in these tasks")


def _finished(plan: Plan, work: Sequence[Unit], jobs: int) -> Iterator[Unit]:
    tasks = [(plan, unit) for unit in work]
    if jobs == 1:
        for one in tasks:
            yield _do(one)
        return
    # An interruption is the parent's to handle: leaving the pool ends its processes.
    with get_context("spawn").Pool(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        yield from pool.imap_unordered(_do, tasks)


def _do(work: tuple[Plan, Unit]) -> Unit:
    plan, unit = work
    task = _task(unit.task, plan.data)
    result = run(unit, task, schedule=plan.schedule(unit.task), masked=TASKS[unit.task].masked)
    _write(plan.out / UNITS / unit.file, result)
    return unit


@cache
def _task(name: str, data: Path) -> Task:
    return TASKS[name].load(data)


def _kept(plan: Plan, unit: Unit) -> bool:
    path = plan.out / UNITS / unit.file
    if not path.is_file():
        return False
    kept = json.loads(path.read_text())["settings"]
    # A time axis is as long as its task allows, which is known when the task is loaded.
    size = {name: number for name, number in NUMBERS[unit.model.partition("+")[0]].items() if name != "length"}
    if kept["schedule"] != asdict(plan.schedule(unit.task)) or not size.items() <= kept["numbers"].items():
        raise ConfigurationError(
            f"{path} was made with other settings ({kept}): say another folder with --out, or remove the file"
        )
    return True


def _write(path: Path, result: Any) -> None:
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(result, indent=1) + "\n")
    beside.replace(path)
