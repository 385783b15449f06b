"""A run's folder as it is read: results as JSON, CSV and text, curves and confusions as pictures."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.training.voices import plots
from engine.training.voices.recipe import VoiceRecipe
from engine.training.voices.results import Row

_HEAD = ("corpus", "condition", "voices", "accuracy", "UAR", "macro F1", "ECE", "one member: accuracy", "UAR")
_FLAT = ("accuracy", "uar", "macro_f1")


def write(
    out: Path, recipe: VoiceRecipe, label: str, table: Sequence[Row], unchosen: Sequence[Row], *, logs: Sequence[Path]
) -> str:
    """Write `results.json`, `metrics.csv`, `README.md` and the plots of a run; what its README says.

    unchosen: the table without the speakers that the protocol `choosing` looks at, empty where it means nothing.
    logs: the `epochs.csv` of every fold and member.
    """
    said = {
        "protocol": label,
        "members": recipe.training.members,
        "rows": [_json(row) for row in table],
        "without_speakers_chosen_on": [_json(row) for row in unchosen],
        "recipe": recipe.model_dump(mode="json"),
    }
    (out / "results.json").write_text(json.dumps(said, indent=1, allow_nan=False) + "\n")
    _csv(out / "metrics.csv", label, table)
    plots.curves(out / "curves.png", logs)
    for row in table:
        if row.condition == "clean":
            plots.confusion(out / f"confusion-{row.corpus}.png", row, title=f"{row.corpus}, {label}")
    text = as_markdown(recipe, label, table, unchosen)
    (out / "README.md").write_text(text)
    return text


def as_markdown(recipe: VoiceRecipe, label: str, table: Sequence[Row], unchosen: Sequence[Row]) -> str:
    """The tables for a reader; every one says the protocol."""
    lines = [f"# {recipe.name}: {label}", ""]
    if recipe.training.members > 1:
        lines += [f"The mean of the probabilities of {recipe.training.members} members; beside it each alone.", ""]
    lines += ["Brackets: 95 % of bootstrap draws of whole speakers.", "", *_markdown(_HEAD, [_cells(r) for r in table])]
    for row in table:
        if row.condition == "clean":
            recalls = [f"{number:.3f}" for number in row.recall.values()]
            lines += ["", f"Recall by class, {row.corpus}, {label}:", "", *_markdown(tuple(row.recall), [recalls])]
            by_sex = [[sex, *(f"{n:.3f}" for n in numbers.values())] for sex, numbers in row.by_sex.items()]
            lines += ["", f"By sex, {row.corpus}, {label}:", "", *_markdown(("sex", "accuracy", "UAR"), by_sex)]
    clean = [_cells(row) for row in unchosen if row.condition == "clean"]
    if clean:
        lines += ["", f"Without fold 2, which the protocol `choosing` looks at, {label}:", "", *_markdown(_HEAD, clean)]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    alone = (" ".join(f"{number:.3f}" for number in numbers) for numbers in (row.alone, row.alone_uar))
    figures = (str(row.accuracy), str(row.uar), str(row.macro_f1), f"{row.ece:.3f}")
    return [row.corpus, row.condition, str(row.voices), *figures, *alone]


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]


def _json(row: Row) -> dict[str, Any]:
    drawn = {name: getattr(row, name).as_json() for name in _FLAT}
    return asdict(row) | drawn | {"confusion": row.confusion.tolist()}


def _csv(path: Path, label: str, table: Sequence[Row]) -> None:
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        ends = [f"{name}{end}" for name in _FLAT for end in ("", "_low", "_high")]
        writer.writerow(("protocol", "corpus", "condition", "voices", *ends, "ece"))
        for row in table:
            figures = [
                round(number, 4)
                for name in _FLAT
                for number in (getattr(row, name).value, getattr(row, name).low, getattr(row, name).high)
            ]
            writer.writerow((label, row.corpus, row.condition, row.voices, *figures, round(row.ece, 4)))
