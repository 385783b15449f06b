"""The ablation's table: what each variant reaches, and what context and each part are worth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.ablation.tasks import TASKS
from engine.training.ablation.units import Answered, Unit
from engine.training.ablation.variants import CONTROL, Direction
from engine.training.scoring import intervals
from engine.training.scoring.intervals import Interval
from engine.training.scoring.scores import weighted_f1

COMPLETE = "complete"
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """One variant in one direction on one corpus, weighted F1 over all its test turns."""

    corpus: str
    variant: str
    direction: Direction
    seeds: tuple[float, ...]
    ensemble: float
    """Of the mean of the seeds' probabilities."""
    over_control: Interval | None
    """The ensemble's gain over the single-turn control's in the same direction; None: the control, or not run."""
    below_complete: Interval | None
    """What the complete model's ensemble has more in the same direction: the worth of what was taken away."""
    epoch: float
    """Mean of the chosen epochs."""
    cpu_s: float

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.seeds))

    @property
    def deviation(self) -> float:
        """Over the seeds, of a sample; 0 of one seed."""
        return float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else 0.0


def rows(answered: Answered) -> list[Row]:
    """A row a variant and direction, in the order in which they ran."""
    grouped: dict[tuple[str, Direction], list[Unit]] = {}
    for unit in answered.units:
        grouped.setdefault(unit.row, []).append(unit)
    seeds = {row: _by_seed(units) for row, units in grouped.items()}
    said = {row: np.mean(chances, axis=0).argmax(axis=1) for row, chances in seeds.items()}

    def against(better: tuple[str, Direction], worse: tuple[str, Direction]) -> Interval | None:
        if better == worse or better not in said or worse not in said:
            return None
        metrics = [intervals.weighted_f1(answered.labels, said[one]) for one in (better, worse)]
        return intervals.interval(intervals.gain(*metrics), answered.dialogues, seed=0, draws=_DRAWS)

    return [
        Row(
            corpus=answered.corpus,
            variant=variant,
            direction=direction,
            seeds=tuple(weighted_f1(answered.labels, one.argmax(axis=1)) for one in seeds[variant, direction]),
            ensemble=weighted_f1(answered.labels, said[variant, direction]),
            over_control=against((variant, direction), (CONTROL, direction)),
            below_complete=against((COMPLETE, direction), (variant, direction)),
            epoch=float(np.mean([unit.epoch for unit in units])),
            cpu_s=sum(unit.cpu_s for unit in units),
        )
        for (variant, direction), units in grouped.items()
    ]


def as_json(table: Sequence[Row]) -> str:
    """The rows of a corpus with their figures, and the schedule they were made under."""
    task = TASKS[table[0].corpus]
    said = [_json(row) | {"mean": row.mean, "deviation": row.deviation} for row in table]
    return json.dumps({"what": task.what, "schedule": asdict(task.schedule), "rows": said}, indent=1, allow_nan=False)


def as_markdown(table: Sequence[Row]) -> str:
    """A corpus's rows, causal and bidirectional side by side, and what context does there in words."""
    found: Mapping[tuple[str, str], Row] = {(row.variant, row.direction): row for row in table}
    directions = dict.fromkeys(row.direction for row in table)
    name, what = table[0].corpus, TASKS[table[0].corpus].what
    head = ["variant", *(f"{side}: {column}" for side in directions for column in ("mean ± sd", *_COLUMNS))]
    lines = [f"### {name}", "", f"{what[0].upper()}{what[1:]}. {len(table[0].seeds)} seeds.", ""]
    lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for variant in dict.fromkeys(row.variant for row in table):
        cells = [variant.replace("_", " ")]
        for side in directions:
            row = found[variant, side]
            cells += [f"{row.mean:.3f} ± {row.deviation:.3f}", f"{row.ensemble:.3f}"]
            cells += [_gain(row.over_control), _gain(row.below_complete)]
        lines.append(f"| {' | '.join(cells)} |")
    told = [_context(found.get((COMPLETE, side)), side) for side in directions]
    return "\n".join([*lines, "", *told]) + "\n"


_COLUMNS = ("ensemble", "over single turn", "complete is above it by")


def _json(row: Row) -> dict[str, Any]:
    gains = {name: getattr(row, name) for name in ("over_control", "below_complete")}
    return asdict(row) | {name: None if gain is None else gain.as_json() for name, gain in gains.items()}


def _gain(one: Interval | None) -> str:
    return "" if one is None else f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _context(row: Row | None, side: str) -> str:
    if row is None or row.over_control is None:
        return f"- {side}: the complete model and its control were not both run."
    if row.over_control.low > 0:
        return f"- {side}: context helps: {_gain(row.over_control)} over the same cells without history."
    return (
        f"- {side}: context is not shown to help: {_gain(row.over_control)} over the same cells without history;"
        " the interval holds 0."
    )


def _by_seed(units: Sequence[Unit]) -> list[NDArray[np.float64]]:
    """Probabilities of each seed, its folds one after the other."""
    seeds = sorted({unit.seed for unit in units})
    return [
        np.concatenate([u.chances for u in sorted(units, key=lambda unit: unit.fold) if u.seed == seed])
        for seed in seeds
    ]
