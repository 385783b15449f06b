"""The table of a stage: what each condition loses where an option is left out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from engine.training.effects.run import WITH_ALL
from engine.training.effects.said import Said
from engine.training.scoring import intervals
from engine.training.scoring.intervals import Interval, Metric

_DRAWS = 2000
_METRICS = {"accuracy": intervals.accuracy, "weighted F1": intervals.weighted_f1}


@dataclass(frozen=True, slots=True)
class Effect:
    """One option under one condition."""

    option: str
    condition: str
    items: int
    with_it: float
    without_it: float
    gain: Interval
    """What the option adds, over the same items; draws of whole groups."""


def effects(found: Mapping[str, Mapping[str, Said]], *, measure: str) -> list[Effect]:
    """Every option under every condition; `found` as `run` gives it."""
    complete = found[WITH_ALL]
    return [
        _effect(option, condition, complete[condition], said, measure)
        for option, conditions in found.items()
        if option != WITH_ALL
        for condition, said in conditions.items()
    ]


def as_json(stage: str, rows: list[Effect], *, measure: str) -> dict[str, object]:
    """As plain values."""
    return {"stage": stage, "measure": measure, "rows": [asdict(row) for row in rows]}


def as_markdown(stage: str, rows: list[Effect], *, measure: str) -> str:
    """A line an option, a column a condition: what it adds, bold where the interval excludes 0."""
    conditions = list(dict.fromkeys(row.condition for row in rows))
    first = {row.condition: row.with_it for row in rows}
    lines = [
        f"## {stage}: {measure} that each option adds",
        "",
        "| left out | " + " | ".join(conditions) + " |",
        "|---" * (len(conditions) + 1) + "|",
        "| nothing | " + " | ".join(f"{first[name]:.3f}" for name in conditions) + " |",
    ]
    for option in dict.fromkeys(row.option for row in rows):
        cells = [_cell(row.gain) for row in rows if row.option == option]
        lines.append(f"| {option} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _cell(gain: Interval) -> str:
    text = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    return f"**{text}**" if gain.low > 0 or gain.high < 0 else text


def _effect(option: str, condition: str, complete: Said, said: Said, measure: str) -> Effect:
    def metric(one: Said) -> Metric:
        return _METRICS[measure](one.labels, one.chances.argmax(axis=1))

    better, worse = metric(complete), metric(said)
    gain = intervals.interval(intervals.gain(better, worse), complete.groups, seed=0, draws=_DRAWS)
    alone = intervals.interval(better, complete.groups, seed=0, draws=1).value
    return Effect(option, condition, len(complete.labels), alone, alone - gain.value, gain)
