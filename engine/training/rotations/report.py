"""What the rotations say together: one table, a column a rotation, with the mean and the range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from engine.training.corpora.scripted import ACTORS
from engine.training.rotations.data import heard_as

_TEST = "scripted test"
_SHOWN = ("weighted_f1", "weighted_f1_low", "weighted_f1_high", "macro_f1", "ece")
_PLAIN = ("", ", voices alone", ", faces alone", ", video40", ", video40 and voice30", ", babble and video40")
_BESIDE = (", single turns", ", utterance only", ", one party withheld")


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation's test."""

    by: int
    actors: tuple[int, ...]
    """Who was tested, by their own numbers."""
    lines: Mapping[str, Mapping[str, float]]
    """By condition, and what was measured beside it: weighted F1 with its interval by dialogue, macro F1, ECE."""
    gains_of_history: Mapping[str, Mapping[str, float]]
    """By condition, with the interval."""


def rotation(metrics: Mapping[str, Mapping[str, Any]], *, by: int) -> Rotation:
    """From the metrics of a checkpoint's card."""
    conditions = [f"{_TEST}{plain}" for plain in _PLAIN]
    names = [f"{condition}{beside}" for condition in conditions for beside in ("", *_BESIDE)]
    return Rotation(
        by=by,
        actors=tuple(heard_as(place, by=by) for place in ACTORS["test"]),
        lines={name: {key: metrics[name][key] for key in _SHOWN} for name in names},
        gains_of_history={name: metrics[name]["gain_of_history"] for name in conditions},
    )


def as_markdown(rotations: Sequence[Rotation]) -> str:
    """Weighted F1 of every condition, and beside it macro F1 and what it is measured against, as means."""
    heads = [f"actors {', '.join(map(str, one.actors))}" for one in rotations]
    lines = [
        "| condition | " + " | ".join(heads) + " | mean | macro F1 | single turns | utterance only | party withheld |",
        "|---" * (len(heads) + 6) + "|",
    ]
    for plain in _PLAIN:
        name = f"{_TEST}{plain}"
        cells = [_with_interval(one.lines[name]) for one in rotations]
        means = [_mean(rotations, name, "weighted_f1"), _mean(rotations, name, "macro_f1")]
        means += [_mean(rotations, f"{name}{beside}", "weighted_f1") for beside in _BESIDE]
        lines.append(f"| {plain.removeprefix(', ') or 'clean'} | " + " | ".join([*cells, *means]) + " |")
    return "\n".join([*lines, ""])


def _with_interval(line: Mapping[str, float]) -> str:
    return "{weighted_f1:.3f} [{weighted_f1_low:.3f}, {weighted_f1_high:.3f}]".format(**line)


def _mean(rotations: Sequence[Rotation], name: str, metric: str) -> str:
    return f"{mean(one.lines[name][metric] for one in rotations):.3f}"
