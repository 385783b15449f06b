"""The model card of a checkpoint, written from what its configuration says; its licence goes beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.features.no_faces import NONE
from engine.training import licence
from engine.training.corpora import emodb, ravdess
from engine.training.intervals import wilson

_COLUMNS = ("weighted_f1", "macro_f1", "accuracy", "uar", "ece")

_SEEN = "one speaker's turn, up to 30 s of 16 kHz mono voice, aligned face crops of 64 x 64, or either alone"
_HEARD = "one speaker's turn, up to 30 s of 16 kHz mono voice; there is no face encoder, and no face is searched for"
_LANGUAGES = {card.name: card.language for card in (ravdess.CARD, emodb.CARD)}
_ANY_USE = (
    "- Reliance on it for other voices than few actors', whatever its licence allows: measure it on your own first."
)

_DECISIONS = {
    "avafn": "AVAFN's causal states of the dialogue",
    "none": "the utterance alone: the fusion's own head, no state of the dialogue",
}

_AFFECT = {
    "circumplex": "by the circumplex map of the categories, not by regression",
    "regression": "by regression, from the utterance alone whatever decides the category",
}

_CARD = """# {name}

A turn's emotion among the seven {labels}. Checkpoint id `{model_id}`; {count} numbers in float32.

- Encoders: {encoders}.
- Fusion: {fusion}.
- Decided by {decision}.{revision}
- Input: {inputs}.
- Output: calibrated probabilities; valence and arousal {affect}.
- Temperature {temperature:.3f}; below a confidence of {abstain_below:.3f} no label is given.{unlearned}
- How it learned, epoch by epoch: `epochs.csv`.

## Data

{data}

## Figures

Averages are over the classes that occur; their intervals hold 95 % of 1000 draws of whole dialogues, or of single
turns where those stand alone. ECE is over 15 bins, after the temperature where the whole checkpoint is measured. Dev
parts chose the temperature and the abstention line; the others were read after everything was chosen. Single turns:
every turn the first of its dialogue. Utterance only: the fusion's own head.

{figures}

## Recall by class

Of so many turns, with Wilson's interval of 95 % as if the turns knew nothing of each other.

{recalls}
{pictures}
## What it is not for

- Any decision about a person. It learned {learned}; what somebody feels is another matter.
- Emotions of people at work or in education, where the law of the European Union forbids it (AI Act, Article 5).
- Languages, ages and cultures it has not heard: the voices are {languages}, adult and acted{own}.
{use}
"""


def write(folder: Path, config: Mapping[str, Any], *, count: int, pictures: Sequence[str]) -> None:
    """Write `README.md` and `LICENSE` beside the checkpoint whose configuration this is.

    count: of its parameters; pictures: names of files in the folder that the card shows.
    """
    data: Sequence[Mapping[str, Any]] = config["data"]
    (folder / "LICENSE").write_text(licence.text(data))
    calibration, sees = config["calibration"], config["encoders"]["face"].get("name") != NONE
    text = _CARD.format(
        name=f"Turntone checkpoint `{folder.name}`",
        labels=", ".join(config["labels"]),
        model_id=config["model_id"],
        count=f"{count:,}",
        unlearned=_unlearned(config.get("unlearned", ())),
        inputs=_SEEN if sees else _HEARD,
        learned="acted voices and pictures from a web search" if sees else "acted voices",
        own="".join(f", and those of the manifest `{one['name']}`" for one in data if one.get("kind") == "manifest"),
        languages=" and ".join(dict.fromkeys(_LANGUAGES[one["name"]] for one in data if one["name"] in _LANGUAGES)),
        use=_ANY_USE if licence.any_use(data) else "- Commercial use: see LICENSE.",
        encoders=", ".join(
            _named(config["encoders"][of], name) for of, name in (("audio", "voice"), ("face", "face"))[: 1 + sees]
        ),
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
            ("on", "turns", *_COLUMNS, "answered", "weighted_f1, 95 %", "uar, 95 %"),
            [_row(name, row) for name, row in config["metrics"].items()],
        ),
        pictures="".join(f"\n![{Path(name).stem}]({name})\n" for name in pictures),
        recalls=_table(
            ("on", *config["labels"]),
            [[name, *(_recall(row, label) for label in config["labels"])] for name, row in config["metrics"].items()],
        ),
    )
    (folder / "README.md").write_text(text)


def _row(name: str, row: Mapping[str, Any]) -> list[str]:
    figures = (*(row[column] for column in _COLUMNS), row.get("answered"))
    ends = [
        f"{row[f'{one}_low']:.3f} to {row[f'{one}_high']:.3f}" if row.get(f"{one}_low") is not None else ""
        for one in ("weighted_f1", "uar")
    ]
    return [name, str(row["turns"]), *map(_number, figures), *ends]


def _recall(row: Mapping[str, Any], label: str) -> str:
    if label not in row["per_class_recall"]:
        return ""
    recall, turns = row["per_class_recall"][label], row["per_class_turns"][label]
    low, high = wilson(recall * turns, turns)
    return f"{recall:.2f} of {turns} ({low:.2f} to {high:.2f})"


def _unlearned(emotions: Sequence[str]) -> str:
    if not emotions:
        return ""
    said = " and ".join(emotions)
    return f"\n- It never says {said}: nothing that it learned from shows it, and its probability is 0 in every event."


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
