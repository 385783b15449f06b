"""What the units say together: one table as plain values, and how a comparison is followed in a terminal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from engine.training.comparison.contenders import NUMBERS
from engine.training.comparison.robustness import ROWS, SHARES
from engine.training.comparison.run import COSTS, UNITS, Plan, Progress
from engine.training.comparison.tasks import TASKS

Table = dict[str, Any]


def gather(plan: Plan) -> Table:
    """The table of all units of the plan that are finished; a row a model, a mean and a deviation over its seeds."""
    tasks: dict[str, Any] = {}
    for task in plan.tasks:
        asked = TASKS[task]
        rows, majority = [], None
        for model in plan.models:
            units = [_read(plan.out / UNITS / f"{task}--{model}--{seed}.json") for seed in range(plan.seeds)]
            found = [unit for unit in units if unit is not None]
            if found:
                majority = found[0]["majority"]
                rows.append(_row(model, found) | (_read(plan.out / COSTS / f"{task}--{model}.json") or {}))
        if rows:
            tasks[task] = {
                "metric": rows[0].pop("metric"),
                "note": rows[0].pop("note"),
                "licences": [f"{card.name}: {card.licence}" for card in asked.cards] or ["made up, no licence"],
                "majority": majority,
                "references": dict(asked.references),
                "judged_by": asked.judged_by,
                "rows": [{key: value for key, value in row.items() if key not in ("metric", "note")} for row in rows],
            }
    return {
        "sizes": {name: dict(numbers) for name, numbers in NUMBERS.items()},
        "masking": {"shares": list(SHARES), "rows": ROWS},
        "tasks": tasks,
    }


def in_terminal() -> tuple[Bar, Progress]:
    """A progress bar with the time that is left, to be entered as a context, and the callback that moves it."""
    bar = Bar(
        TextColumn("units"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        # Units of one seed take from a second to minutes: only a long look back tells how fast it goes.
        speed_estimate_period=3600.0,
    )
    shown = bar.add_task("units", total=None)

    def report(name: str, done: int, whole: int) -> None:
        bar.update(shown, completed=done, total=whole)
        if name:
            bar.console.print(name, highlight=False)

    return bar, report


def _row(model: str, units: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": model,
        "seeds": len(units),
        "scores": {name: _spread([unit["scores"][name] for unit in units]) for name in units[0]["scores"]},
        "metric": units[0]["metric"],
        "note": units[0]["note"],
        "seconds": round(mean(unit["seconds"] for unit in units), 1),
    }
    if "ratings" in units[0]:
        row["ratings"] = [mean(column) for column in zip(*(unit["ratings"] for unit in units), strict=True)]
    if "conditions" in units[0]:
        row["conditions"] = _mean_of([unit["conditions"] for unit in units])
    if "gates" in units[0]:
        names = units[0]["gates"]
        row["gates"] = {name: _mean_of([unit["gates"][name] for unit in units]) for name in names}
    if "masking" in units[0]:
        row["masking"] = {
            name: [mean(column) for column in zip(*(unit["masking"][name] for unit in units), strict=True)]
            for name in units[0]["masking"]
        }
    return row


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"mean": mean(values), "deviation": stdev(values) if len(values) > 1 else None}


def _mean_of(units: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: mean(unit[name] for unit in units) for name in units[0]}


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.is_file() else None
