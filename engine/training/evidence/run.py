"""A run in a folder: a setting chosen on the training part, and after that the test part, read once."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.training.evidence.choose import choose, chosen, tried
from engine.training.evidence.measure import Measured, measure, say
from engine.training.evidence.recipe import Recipe
from engine.training.evidence.table import as_json
from engine.training.evidence.tasks import TASKS

Told = Callable[[str], None]
"""A line of what was done."""


def make_choice(name: str, recipe: Recipe, out: Path, *, data: Path, told: Told) -> Mapping[int, str]:
    """The setting of each fold, by the training part alone; what was tried lies in `out` and is not tried again."""
    train, path = TASKS[recipe.corpus].train(data), out / f"{name}-choice.csv"
    out.mkdir(parents=True, exist_ok=True)
    for one in choose(recipe, train, path):
        told(f"fold {one.fold}, {one.setting}: {one.weighted_f1:.4f}")
    return chosen(recipe, tried(path), len(train))


def read_once(name: str, recipe: Recipe, picked: Mapping[int, str], out: Path, *, data: Path, told: Told) -> Measured:
    """What the chosen settings are worth on the test part, written as JSON."""
    task = TASKS[recipe.corpus]
    said, test = [], task.test(data)
    told(f"the test part is read: {task.what}")
    for fold, (learn, asks) in enumerate(zip(task.train(data), test, strict=True)):
        told(f"fold {fold}: {picked[fold]}")
        said.append(say(learn, asks, recipe.settings[picked[fold]], seeds=recipe.seeds))
    measured = measure(test, said)
    (out / f"{name}.json").write_text(as_json(recipe, picked, measured))
    return measured
