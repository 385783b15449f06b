"""The figures of a model card, as tables: by corpus, voice and class, with and without history, and those of dev."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.training.learned.tuning import DEV
from engine.training.scoring.intervals import wilson

Metrics = Mapping[str, Mapping[str, Any]]
"""Rows by name, as a checkpoint's configuration has them."""

_FORMS = ("single turns", "utterance only", "one party withheld", "said again")
_GAINS = ("gain_of_history", "gain_of_withholding", "gain_of_revision")

_NOTHING = "None: all that was measured chose something. `--test` takes a manifest that nothing else looks at."

_BY_VOICES = """
## By sex and language

Turns in which such a voice is heard.

{table}
"""

_BY_CLASS = """
## Recall by class

Of so many turns, with Wilson's interval of 95 % as if the turns knew nothing of each other.

{table}
"""

_HISTORY = """
## With and without history

Weighted F1. Single turns: every turn the first of its dialogue. Utterance only: the fusion's own head. One party
withheld: each in turn, and the others' turns measured. A gain is paired, and is one where its interval excludes 0.

{table}
"""


def by_corpus(metrics: Metrics) -> str:
    """What was held out, a condition a line; a sentence where nothing was."""
    if not _whole(metrics):
        return _NOTHING
    return table(
        (
            "on",
            "voices",
            "turns",
            "weighted F1",
            "UAR",
            "macro F1",
            "accuracy",
            "ECE",
            "answered",
            "wrong of those",
        ),
        [
            [
                name,
                ", ".join(row[key] for key in ("language", "voices") if key in row),
                str(row["turns"]),
                *(_drawn(row, metric) for metric in ("weighted_f1", "uar")),
                *(_number(row[metric]) for metric in ("macro_f1", "accuracy")),
                _drawn(row, "ece"),
                *_answered(row),
            ]
            for name, row in _whole(metrics).items()
        ],
    )


def by_voices(metrics: Metrics) -> str:
    """Women and men, and every language, of conditions that have voices of several; nothing where none has."""
    rows = [
        [
            row["of"],
            row["voices"],
            str(row["turns"]),
            *(_drawn(row, metric) for metric in ("weighted_f1", "uar", "ece")),
            *_answered(row),
        ]
        for row in metrics.values()
        if "of" in row and "voices" in row
    ]
    head = ("on", "voices", "turns", "weighted F1", "UAR", "ECE", "answered", "wrong of those")
    return _BY_VOICES.format(table=table(head, rows)) if rows else ""


def by_class(metrics: Metrics, labels: Sequence[str]) -> str:
    """The recall of every emotion in every condition, with Wilson's interval; nothing where nothing was held out."""
    rows = [[name, *(_recall(row, label) for label in labels)] for name, row in _whole(metrics).items()]
    return _BY_CLASS.format(table=table(("on", *labels), rows)) if rows else ""


def history(metrics: Metrics) -> str:
    """What a condition gives in its other forms, and what that is worth; nothing where no turn follows another."""
    forms = {(row["of"], row["form"]): row for row in metrics.values() if "form" in row}
    rows = []
    for name, served in _whole(metrics).items():
        others = [forms.get((name, form), {}) for form in _FORMS]
        if others[0]:
            gains = (_gain(row, gain) for row, gain in zip((served, *others[2:]), _GAINS, strict=True))
            rows.append([name, *(_number(row.get("weighted_f1")) for row in (served, *others)), *gains])
    head = ("on", "as served", *_FORMS, "history adds", "withholding adds", "a second look adds")
    return _HISTORY.format(table=table(head, rows)) if rows else ""


def of_dev(metrics: Metrics) -> str:
    """The turns by which epochs, temperature and abstention line were chosen."""
    rows = [
        [
            name,
            str(row["turns"]),
            *(_number(row.get(metric)) for metric in ("weighted_f1", "uar", "ece_before", "ece")),
            *_answered(row),
        ]
        for name, row in metrics.items()
        if DEV.items() <= row.items()
    ]
    return table(("on", "turns", "weighted F1", "UAR", "ECE before", "ECE", "answered", "wrong of those"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown has it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _whole(metrics: Metrics) -> Metrics:
    return {name: row for name, row in metrics.items() if "of" not in row and not DEV.items() <= row.items()}


def _drawn(row: Mapping[str, Any], metric: str) -> str:
    # An encoder alone is told without an interval.
    low, high = row.get(f"{metric}_low"), row.get(f"{metric}_high")
    return f"{row[metric]:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")


def _gain(row: Mapping[str, Any], name: str) -> str:
    drawn = row.get(name)
    if drawn is None:
        return ""
    return f"{drawn['value']:+.3f}" + ("" if drawn["low"] is None else f" [{drawn['low']:+.3f}, {drawn['high']:+.3f}]")


def _answered(row: Mapping[str, Any]) -> list[str]:
    return [_number(row.get(share)) for share in ("answered", "risk")]


def _recall(row: Mapping[str, Any], label: str) -> str:
    if label not in row["per_class_recall"]:
        return ""
    recall, turns = row["per_class_recall"][label], row["per_class_turns"][label]
    low, high = wilson(recall * turns, turns)
    return f"{recall:.2f} of {turns} [{low:.2f}, {high:.2f}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
