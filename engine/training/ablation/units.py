"""The units of the ablation: what one seed of one variant said of one fold, a file each, so that a run can go on."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.ablation.fit import fit
from engine.training.ablation.material import Material
from engine.training.ablation.tasks import TASKS
from engine.training.ablation.variants import DIRECTIONS, Direction
from engine.training.fitting.fit import Progress
from engine.training.fitting.study import Schedule

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """One training and what came of it."""

    corpus: str
    variant: str
    direction: Direction
    fold: int
    seed: int
    epoch: int
    dev: float
    cpu_s: float
    chances: NDArray[np.float64]
    """`[N, 7]` over the fold's test turns."""

    @property
    def row(self) -> tuple[str, Direction]:
        """The row of the table it belongs to."""
        return self.variant, self.direction


@dataclass(frozen=True, slots=True)
class Answered:
    """A corpus's test turns over all folds, and every unit over them."""

    corpus: str
    labels: NDArray[np.int64]
    dialogues: NDArray[np.int64]
    """`[N]` the number of the turn's dialogue, over all folds."""
    units: Sequence[Unit]


def run(
    out: Path, *, data: Path, corpora: Sequence[str], variants: Sequence[str], seeds: int, progress: Progress
) -> Iterator[Answered]:
    """Every unit of each corpus in turn; one whose file lies in `out` under the same schedule is read."""
    out.mkdir(parents=True, exist_ok=True)
    for corpus in corpora:
        task = TASKS[corpus]
        folds = task.read(data)
        wanted = list(product(range(seeds), variants, DIRECTIONS, range(len(folds))))
        units = []
        for number, (seed, variant, direction, fold) in enumerate(wanted):
            path = out / f"{corpus}-{variant}-{direction}-{fold}-{seed}.json"
            unit = _known(path, task.schedule)
            if unit is None:
                moved = partial(_moved, progress, corpus, number, len(wanted))
                begun = time.process_time()
                fitted = fit(folds[fold], variant, direction, schedule=task.schedule, seed=seed, epoch_done=moved)
                spent = time.process_time() - begun
                chances = fitted.chances.round(_DIGITS)
                unit = Unit(corpus, variant, direction, fold, seed, fitted.epoch, fitted.dev, spent, chances)
                _keep(path, unit, task.schedule)
            units.append(unit)
        yield Answered(corpus, *_asked(folds), units)


def _moved(progress: Progress, corpus: str, number: int, count: int, epoch: int, epochs: int, loss: float) -> None:
    progress(corpus, number * epochs + epoch, count * epochs, loss)


def _asked(folds: Sequence[Material]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lengths = [len(one) for fold in folds for one in fold.test.dialogues]
    return np.concatenate([fold.test.labels for fold in folds]), np.repeat(np.arange(len(lengths)), lengths)


def _keep(path: Path, unit: Unit, schedule: Schedule) -> None:
    said = asdict(unit) | {"chances": unit.chances.tolist(), "schedule": asdict(schedule)}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(said) + "\n")
    part.replace(path)


def _known(path: Path, schedule: Schedule) -> Unit | None:
    if not path.is_file():
        return None
    said = json.loads(path.read_text())
    if said.pop("schedule") != asdict(schedule):
        return None
    return Unit(**said | {"chances": np.array(said["chances"])})
