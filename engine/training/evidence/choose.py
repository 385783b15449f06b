"""The choice of a setting, fold by fold, by dialogues of the training part alone."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from engine.errors import ConfigurationError
from engine.training.corpora.featured import FeaturedTurns
from engine.training.evidence.fit import chances, fit
from engine.training.evidence.recipe import Recipe
from engine.training.evidence.setting import Setting
from engine.training.evidence.tokens import tokens
from engine.training.protocols import by_group
from engine.training.scoring.scores import weighted_f1


@dataclass(frozen=True, slots=True)
class Tried:
    """What one setting reached on the inner folds of one training part."""

    fold: int
    setting: str
    weighted_f1: float
    """Of the ensemble of the inner seeds, over all turns of the training part."""


def choose(recipe: Recipe, parts: Sequence[FeaturedTurns], path: Path) -> Iterator[Tried]:
    """Every setting on every training part; what stands in the file at `path` is not done again."""
    known = {(one.fold, one.setting): one for one in tried(path)} if path.is_file() else {}
    for fold, part in enumerate(parts):
        for name, setting in recipe.settings.items():
            if (fold, name) not in known:
                one = Tried(fold, name, round(_reached(part, setting, recipe), 4))
                _add(path, one)
                yield one


def tried(path: Path) -> list[Tried]:
    """What the file says. Raises `ConfigurationError` where there is none."""
    if not path.is_file():
        raise ConfigurationError(f"{path} is not there; choose a setting before the test part is read")
    with path.open(newline="") as file:
        return [Tried(int(row["fold"]), row["setting"], float(row["weighted_f1"])) for row in csv.DictReader(file)]


def chosen(recipe: Recipe, rows: Sequence[Tried], folds: int) -> Mapping[int, str]:
    """The best setting of each fold. Raises `ConfigurationError` where one has not been tried."""
    missing = {(fold, name) for fold in range(folds) for name in recipe.settings} - {
        (row.fold, row.setting) for row in rows
    }
    if missing:
        raise ConfigurationError(
            f"not tried yet: {', '.join(f'{name} (fold {fold})' for fold, name in sorted(missing))}"
        )
    return {
        fold: max(
            (row for row in rows if row.fold == fold and row.setting in recipe.settings),
            key=lambda row: row.weighted_f1,
        ).setting
        for fold in range(folds)
    }


def _reached(part: FeaturedTurns, setting: Setting, recipe: Recipe) -> float:
    said = np.zeros((len(part.labels), 7))
    for inner in by_group(part.dialogues.astype(str), folds=recipe.inner_folds, seed=1):
        heard = tokens(part.at(inner.train), part.at(inner.test), setting)
        for seed in range(recipe.inner_seeds):
            said[inner.test] += chances(fit(heard, setting, seed=seed), heard.test, heard.ask)
    return weighted_f1(part.labels, said.argmax(axis=1))


def _add(path: Path, one: Tried) -> None:
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Tried)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(one))
