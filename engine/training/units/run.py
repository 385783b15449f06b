"""One run: every contender trained on every fold, and asked about the actors that were held out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.fusion.builders import fusion
from engine.training.comparison.linear import Linear
from engine.training.corpora.ravdess import sex_of
from engine.training.fitting.fit import Following
from engine.training.units.learning import Given, Model, fuse, learn
from engine.training.units.material import Material, Scaled, read, scaled
from engine.training.units.recipe import UnitsRecipe
from engine.training.voices import answers
from engine.training.voices.answers import Answer
from engine.training.voices.material import RAVDESS_CLASSES

BOTH, NO_UNITS, NO_AUDIO = "audio and action units", "audio, units missing", "action units, audio missing"
FUSED, LINEAR = "fused", "linear"
CONTENDERS: Mapping[str, Given] = {
    FUSED: Given(),
    LINEAR: Given(),
    "action units alone": Given(audio=False),
    "audio alone": Given(units=False),
}
"""What is trained: the recipe's model on both modalities, on each alone, and logistic regression on both.

In an answer the contender stands as its corpus, and what it was given when it was asked as its condition.
"""
CLASSES: Mapping[str, tuple[str, ...]] = dict.fromkeys(CONTENDERS, RAVDESS_CLASSES)

_STATE, _ANSWERS = "epochs.state", "answers.csv"

Progress = Callable[[str, int, int], None]
"""What is trained, how many trainings are done, of how many."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run says: for every member the answers of all contenders."""

    material: Material
    members: tuple[tuple[Answer, ...], ...]


def run(recipe: UnitsRecipe, out: Path, *, data: Path, progress: Progress) -> Run:
    """Train what is not there yet in `out`; after a kill the same call goes on from the last epoch to the same answers.

    Every training has a folder under a name that stands for the recipe, so another recipe begins anew. Raises
    `ConfigurationError`: the material is not there.
    """
    material = read(recipe, data=data)
    units = [
        (name, member, fold)
        for name in CONTENDERS
        for member in range(recipe.training.members if name == FUSED else 1)
        for fold in range(len(material.folds))
    ]
    members: list[list[Answer]] = [[] for _ in range(recipe.training.members)]
    for done, (name, member, fold) in enumerate(units):
        folder = out / recipe.digest() / name.replace(" ", "-") / f"fold-{fold + 1}-member-{member + 1}"
        progress(f"{name}, fold {fold + 1}, member {member + 1}", done, len(units))
        if not (folder / _ANSWERS).is_file():
            said = _train(recipe, material, name, fold, folder, seed=recipe.seed + member)
            answers.write(folder / _ANSWERS, said)
            (folder / _STATE).unlink()
        members[member] += answers.read(folder / _ANSWERS)
    progress("", len(units), len(units))
    return Run(material, tuple(tuple(one) for one in members))


def _train(
    recipe: UnitsRecipe,
    material: Material,
    name: str,
    fold: int,
    folder: Path,
    *,
    seed: int,
) -> list[Answer]:
    train, test = material.folds[fold].train, material.folds[fold].test
    rows, labels, given = scaled(material, fold), material.performances.labels, CONTENDERS[name]
    actors = np.unique(material.performances.actors[train], return_inverse=True)[1]
    torch.manual_seed(seed)
    model = _model(recipe, rows, linear=name == LINEAR)
    learn(
        model,
        rows.at(train),
        torch.from_numpy(labels[train]),
        torch.from_numpy(actors),
        given=given,
        classes=len(RAVDESS_CLASSES),
        training=recipe.training,
        augmentation=recipe.augmentation,
        seed=seed,
        following=Following(lambda *_: None, folder / _STATE),
    )
    conditions = {BOTH: given}
    if name == FUSED:
        conditions |= {NO_UNITS: Given(units=False), NO_AUDIO: Given(audio=False)}
    found = []
    for condition, asked in conditions.items():
        chances = _chances(model, rows.at(test), asked)
        for row, said in zip(test, chances, strict=True):
            found.append(_answer(material, int(row), name, condition if given == Given() else name, said))
    return found


def _model(recipe: UnitsRecipe, rows: Scaled, *, linear: bool) -> Model:
    audio_width, video_width, classes = rows.audio.shape[1], rows.units.shape[1], len(RAVDESS_CLASSES)
    if linear:
        return Linear(audio_width=audio_width, video_width=video_width, classes=classes)
    numbers = recipe.fusion.model_dump()
    return fusion(numbers.pop("name"), audio_width=audio_width, video_width=video_width, classes=classes, **numbers)


@torch.no_grad()
def _chances(model: Model, rows: Scaled, given: Given) -> NDArray[np.float64]:
    heard, seen = (torch.full((len(rows.units),), there) for there in (given.audio, given.units))
    logits = fuse(model, rows, heard, seen).logits
    return logits.double().softmax(dim=1).numpy()


def _answer(material: Material, row: int, name: str, condition: str, said: NDArray[np.float64]) -> Answer:
    performances = material.performances
    actor = str(performances.actors[row])
    return Answer(
        condition=condition,
        corpus=name,
        voice=str(performances.names[row]),
        speaker=actor,
        sex=sex_of(int(actor)),
        label=int(performances.labels[row]),
        chances=said,
    )
