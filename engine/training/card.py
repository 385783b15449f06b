"""The model card and the licence of a checkpoint's weights, written from what its configuration says."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COLUMNS = ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")

_DECISIONS = {
    "avafn": "AVAFN's causal states of the dialogue",
    "none": "the utterance alone: the fusion's own head, no state of the dialogue",
}

_AFFECT = {
    "circumplex": "by the circumplex map of the categories, not by regression",
    "regression": "by regression, from the utterance alone whatever decides the category",
}

_LICENCE = """Research only: weights trained on data that do not allow other use.

These weights were made from the corpora below. You may use, copy and change them for research and teaching that is
not commercial, under the terms of the strictest of them; you name the corpora's authors; what you derive from the
weights stays under these terms. The program that runs them is under the licence of its own repository.

{sources}

The weights are given as they are, without warranty of any kind.
"""

_CARD = """# {name}

A turn's emotion among the seven {labels}. Checkpoint id `{model_id}`; {count} numbers in float32.

- Encoders: {encoders}.
- Fusion: {fusion}.
- Decided by {decision}.{revision}
- Input: one speaker's turn, up to 30 s of 16 kHz mono voice, aligned face crops of 64 x 64, or either alone.
- Output: calibrated probabilities; valence and arousal {affect}.
- Temperature {temperature:.3f}; below a confidence of {abstain_below:.3f} no label is given.

## Data

{data}

## Figures

Averages are over the classes that occur; the interval of the weighted F1 holds 95 % of 1000 draws of whole dialogues.
ECE is over 15 bins, after the temperature where the whole checkpoint is measured. Dev parts chose the temperature and
the abstention line; the others were read after everything was chosen. Single turns: every turn the first of its
dialogue. Utterance only: the fusion's own head.

{figures}

## Recall by class

{recalls}

## What it is not for

- Any decision about a person. It learned acted voices and pictures from a web search; what somebody feels is another
  matter.
- Emotions of people at work or in education, where the law of the European Union forbids it (AI Act, Article 5).
- Languages, ages and cultures it has not heard: the voices are North American English and German, adult and acted.
- Commercial use: see LICENSE.
"""


def write(folder: Path, config: Mapping[str, Any], *, count: int) -> None:
    """Write `README.md` and `LICENSE` beside the checkpoint whose configuration this is; `count` of its parameters."""
    data: Sequence[Mapping[str, Any]] = config["data"]
    sources = "\n".join(f"- {one['name']}: {one['licence']}. {one['source']}." for one in data)
    (folder / "LICENSE").write_text(_LICENCE.format(sources=sources))
    calibration = config["calibration"]
    text = _CARD.format(
        name=f"Turntone checkpoint `{folder.name}`",
        labels=", ".join(config["labels"]),
        model_id=config["model_id"],
        count=f"{count:,}",
        encoders=", ".join(_named(config["encoders"][of], name) for of, name in (("audio", "voice"), ("face", "face"))),
        fusion=_named(config["fusion"], "avafn"),
        decision=_DECISIONS[config["dialogue"].get("name", "avafn")],
        revision=_revision(config),
        affect=_AFFECT[config["affect"]["source"]],
        temperature=calibration["temperature"],
        abstain_below=calibration["abstain_below"],
        data=_table(
            ("corpus", "licence", "use", "what was read", "traps"),
            [[str(one[key]) for key in ("name", "licence", "use", "part", "traps")] for one in data],
        ),
        figures=_table(
            ("on", "turns", *_COLUMNS, "answered", "weighted_f1, 95 %"),
            [_row(name, row) for name, row in config["metrics"].items()],
        ),
        recalls=_table(
            ("on", *config["labels"]),
            [
                [name, *(_number(row["per_class_recall"].get(label)) for label in config["labels"])]
                for name, row in config["metrics"].items()
            ],
        ),
    )
    (folder / "README.md").write_text(text)


def _row(name: str, row: Mapping[str, Any]) -> list[str]:
    figures = (*(row[column] for column in _COLUMNS), row.get("answered"))
    ends = (f"{row['weighted_f1_low']:.3f} to {row['weighted_f1_high']:.3f}",) if "weighted_f1_low" in row else ("",)
    return [name, str(row["turns"]), *map(_number, figures), *ends]


def _revision(config: Mapping[str, Any]) -> str:
    if "revision" not in config:
        return ""
    ahead, temperature = config["revision"]["turns_ahead"], config["calibration"]["revised_temperature"]
    return (
        f" A turn is looked at again when the next {ahead} are known, fewer at the end (temperature {temperature:.3f});"
        "\n  where its label changes, or its probabilities by a tenth in all, it is said again."
    )


def _named(numbers: Mapping[str, Any], unnamed: str) -> str:
    """A part by its name and what else is said of it."""
    said = ", ".join(f"{name} {value}" for name, value in numbers.items() if name != "name")
    return f"`{numbers.get('name', unnamed)}` ({said})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
