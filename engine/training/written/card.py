"""The model card of a checkpoint, written from what its configuration says; its licence goes beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.features.no_faces import NONE
from engine.training.corpora import emodb, ravdess
from engine.training.written import figures, licence

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
- Temperature {temperature:.3f}. Below a confidence of {abstain_below:.3f} no label is given: {line}.{unlearned}
- How it learned, epoch by epoch: `epochs.csv`.

## Data

{data}

## Figures

Of what was read after everything was chosen. Averages are over the classes that occur. In brackets 95 % of 1000 draws
of whole dialogues, of speakers where every turn stands alone, or of turns where all of them are one speaker's. ECE is
over 15 bins, after the temperature; a draw repeats turns, so that its interval lies high. Answered: the share of turns
that get a label.

{by_corpus}
{by_voices}{by_class}{history}
## What chose

Dev parts, by which epochs, temperature and abstention line were chosen.

{of_dev}
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
        line=_line(calibration),
        data=figures.table(
            ("corpus", "licence", "use", "what was read", "traps"),
            [[str(one[key]) for key in ("name", "licence", "use", "part", "traps")] for one in data],
        ),
        by_corpus=figures.by_corpus(config["metrics"]),
        by_voices=figures.by_voices(config["metrics"]),
        by_class=figures.by_class(config["metrics"], config["labels"]),
        history=figures.history(config["metrics"]),
        of_dev=figures.of_dev(config["metrics"]),
        pictures="".join(f"\n![{Path(name).stem}]({name})\n" for name in pictures),
    )
    (folder / "README.md").write_text(text)


def _line(calibration: Mapping[str, Any]) -> str:
    """What the abstention line was chosen by."""
    if "risk" in calibration:
        return (
            f"the lowest at which at most {100 * calibration['risk']:g} % of\n"
            "  the labels given to any kind of dev turns are wrong"
        )
    return f"the highest that answers\n  {100 * calibration['coverage']:g} % of every kind of dev turns"


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
