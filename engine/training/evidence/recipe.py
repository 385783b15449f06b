"""A recipe of this experiment: the corpus, and the settings among which the training part chooses."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from engine.errors import ConfigurationError
from engine.training.evidence.setting import Setting

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is chosen among, and how much is spent on it."""

    corpus: str
    seeds: int
    """Of the ensemble that is measured."""
    inner_folds: int
    """Of whole dialogues, inside the training part."""
    inner_seeds: int
    settings: Mapping[str, Setting]
    """By name."""


def load(name: str) -> Recipe:
    """The recipe of that name. Raises `ConfigurationError` for one that is not there, or says what cannot be said."""
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ConfigurationError(
            f"no recipe {name!r}; there are {', '.join(sorted(one.stem for one in FOLDER.glob('*.toml')))}"
        )
    said = tomllib.loads(path.read_text())
    common, settings = said.pop("all"), said.pop("settings")
    known = {one.name for one in fields(Setting)}
    for of, numbers in (("all", common), *settings.items()):
        if unknown := set(numbers) - known:
            raise ConfigurationError(f"{path.name}, [{of}]: no {', '.join(sorted(unknown))}; there are {sorted(known)}")
    return Recipe(**said, settings={one: Setting(**(common | numbers)) for one, numbers in settings.items()})
