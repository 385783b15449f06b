"""The model card and the licence of a face encoder that was trained on FER2013."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PUBLISHED = {
    "dan": "RAF-DB 89.70, AffectNet-7 65.69, AffectNet-8 62.09 (Wen et al. 2023, not on FER2013)",
    "efficientface": "RAF-DB 88.36, AffectNet-7 63.70, AffectNet-8 59.89 (Zhao et al. 2021, not on FER2013)",
}

_LICENCE = """Research only: weights trained on data that do not allow other use.

These weights were made from FER2013 (Goodfellow et al., ICONIP 2013), pictures from a web search whose licence is
unclear. You may use, copy and change them for research and teaching that is not commercial; you name the corpus's
authors; what you derive from the weights stays under these terms. The program that runs them is under the licence of
its own repository.

The weights are given as they are, without warranty of any kind.
"""

_CARD = """# {name}: seven emotions from one picture of a face

{parameters:,} parameters, trained from scratch by `turntone train {recipe} --data FOLDER`; `config.json` holds the
whole recipe.

- Input: grey or coloured face crops, brought to {side} pixels, the middle {crop} of which are seen, in grey, each of
  mean 0 and spread 1{mirrored}.
- Output: tokens of {width} numbers a crop; the network's own classifier gives {labels}.
- Stem stride {stem_stride}, where the published network has 4 for pictures of 224 pixels; all else is as published.

## Data

FER2013, official Training: {train} pictures for training, {dev_count} for choosing, near-duplicates on one side. Its
licence is unclear, research only: see LICENSE. Its labels are noisy; people agree on about 65 %. PublicTest was not
read for it; `tests/benchmarks/perception/fer2013.py` does, and its table is beside it.

## Figures

Dev part of Training, each picture as it is served:

{figures}
{test}
Published for this architecture: {published}. Single networks reach .73 to .76 on FER2013's PrivateTest.

## What it is not for

- Any decision about a person; what somebody feels is another matter than what a face looks like.
- Emotions of people at work or in education, where the law of the European Union forbids it (AI Act, Article 5).
- Commercial use: see LICENSE.
"""

_TEST = """
The faces of a manifest that nothing had seen, {drawn}:

{figures}
"""


def write(folder: Path, config: Mapping[str, Any], *, parameters: int) -> None:
    """Write `README.md` and `LICENSE` beside the encoder whose configuration this is."""
    encoder, dev = config["face_encoder"], config["dev"]
    text = _CARD.format(
        name=encoder["name"],
        recipe=config["recipe"]["name"],
        parameters=parameters,
        side=encoder["side"],
        crop=encoder["crop"],
        mirrored="; what is seen is the mean over it and its mirror image" if encoder["mirrored"] else "",
        stem_stride=encoder["stem_stride"],
        width=config["width"],
        labels=", ".join(config["labels"]),
        train=config["train_pictures"],
        dev_count=dev["turns"],
        figures=_table(dev, config["labels"]),
        test=_TEST.format(drawn=_drawn(config["test"]), figures=_table(config["test"], config["labels"]))
        if "test" in config
        else "",
        published=_PUBLISHED[encoder["name"]],
    )
    (folder / "README.md").write_text(text)
    (folder / "LICENSE").write_text(_LICENCE)


def _drawn(row: Mapping[str, Any]) -> str:
    named = f"`{row['condition']}`, {row['turns']} of them, weighted F1 {row['weighted_f1']:.3f}"
    if row["weighted_f1_low"] is None:
        return named
    return f"{named} [{row['weighted_f1_low']:.3f}, {row['weighted_f1_high']:.3f}] by 1000 draws of whole dialogues"


def _table(scores: Mapping[str, Any], labels: Sequence[str]) -> str:
    head = ("accuracy", "macro F1", *(f"recall {label}" for label in labels))
    recalls = [scores["per_class_recall"].get(label) for label in labels]
    numbers = (scores["accuracy"], scores["macro_f1"], *recalls)
    row = ("" if number is None else f"{number:.3f}" for number in numbers)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), row))
