"""A run's folder as it is read: its table as JSON, CSV and text, and what was taken for what as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.fitting.keeping import write_rows
from engine.training.scoring import intervals
from engine.training.units.recipe import UnitsRecipe
from engine.training.units.run import BOTH, CLASSES, FUSED, LINEAR, Run
from engine.training.voices import plots, results
from engine.training.voices.answers import Answer
from engine.training.voices.results import Row

_DRAWS = 4000
_HEAD = ("trained", "asked with", "accuracy", "UAR", "macro F1", "ECE", "each member's accuracy")


def write(out: Path, recipe: UnitsRecipe, made: Run) -> str:
    """Write `results.json`, `metrics.csv`, `README.md` and `confusion.png`; what the README says."""
    table = results.rows(made.members, CLASSES)
    gain = _gain(made.members)
    said = {
        "protocol": made.material.label,
        "members": recipe.training.members,
        "rows": [asdict(row) | {"confusion": row.confusion.tolist()} for row in table],
        "gain_over_linear": gain.as_json(),
        "folds": _by_fold(made),
        "recipe": recipe.model_dump(mode="json"),
    }
    (out / "results.json").write_text(json.dumps(said, indent=1, allow_nan=False) + "\n")
    write_rows(out / "metrics.csv", [_flat(row) for row in table])
    plots.confusion(out / "confusion.png", table[0], title=f"{recipe.name}, {made.material.label}")
    text = _as_markdown(recipe, made, table, gain)
    (out / "README.md").write_text(text)
    return text


def _as_markdown(recipe: UnitsRecipe, made: Run, table: Sequence[Row], gain: intervals.Interval) -> str:
    members = recipe.training.members
    rows = [
        (
            row.corpus,
            row.condition,
            str(row.accuracy),
            str(row.uar),
            str(row.macro_f1),
            f"{row.ece:.3f}",
            " ".join(f"{one:.3f}" for one in row.alone),
        )
        for row in table
    ]
    folds = _by_fold(made)
    recalls = [(row.corpus, row.condition, *(f"{one:.3f}" for one in row.recall.values())) for row in table]
    return "\n".join(
        [
            f"# {recipe.name}: {recipe.fusion.name}, {made.material.label}",
            "",
            f"{table[0].voices} performances of {table[0].speakers} actors, eight emotions. Of the fusion the mean of"
            f" the probabilities of {members} members, of the rest one training. Brackets: 95 % of {_DRAWS} draws of"
            " whole actors.",
            "",
            *_lines(_HEAD, rows),
            "",
            f"Gain of the fusion over `{LINEAR}`, accuracy: {gain}.",
            "",
            "The fusion's accuracy by fold:",
            "",
            *_lines(tuple(folds), [tuple(f"{one:.3f}" for one in folds.values())]),
            "",
            "Recall by class:",
            "",
            *_lines(("trained", "asked with", *table[0].recall), recalls),
            "",
        ]
    )


def _lines(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]


def _flat(row: Row) -> dict[str, object]:
    figures = {
        f"{name}{end}": round(number, 4)
        for name, found in (("accuracy", row.accuracy), ("uar", row.uar), ("macro_f1", row.macro_f1))
        for end, number in (("", found.value), ("_low", found.low), ("_high", found.high))
    }
    return {"trained": row.corpus, "asked_with": row.condition, "performances": row.voices, **figures, "ece": row.ece}


def _gain(members: Sequence[Sequence[Answer]]) -> intervals.Interval:
    """How much more of the performances the fusion tells right than `linear`, both with everything there."""
    fused, linear = _right(members, FUSED), _right(members, LINEAR)
    actors = np.array([name.rsplit("-", 1)[1] for name in fused])
    better, plain = (np.array([float(side[name]) for name in fused]) for side in (fused, linear))
    gained = intervals.gain(intervals.mean(better), intervals.mean(plain))
    return intervals.interval(gained, actors, seed=0, draws=_DRAWS)


def _by_fold(made: Run) -> dict[str, float]:
    """The fusion's accuracy on each fold's actors."""
    right, performances = _right(made.members, FUSED), made.material.performances
    return {
        " ".join(np.unique(performances.actors[fold.test])): float(
            np.mean([right[name] for name in performances.names[fold.test]])
        )
        for fold in made.material.folds
    }


def _right(members: Sequence[Sequence[Answer]], contender: str) -> dict[str, bool]:
    """Whether the members together tell a performance right, by its name, with everything there."""
    chances: dict[str, NDArray[np.float64]] = {}
    labels = {}
    for one in (answer for member in members for answer in member):
        if one.corpus == contender and one.condition == BOTH:
            chances[one.voice] = chances.get(one.voice, 0) + one.chances
            labels[one.voice] = one.label
    return {name: int(said.argmax()) == labels[name] for name, said in chances.items()}
