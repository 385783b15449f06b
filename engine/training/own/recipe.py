"""The recipe of a training on one's own corpus: how much of it chooses, the schedule, the calibration."""

import hashlib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigurationError
from engine.training.recipe import Calibration, DialogueTraining


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Manifest(_Section):
    """What is done with the dialogues that a manifest names."""

    dev_share: float = Field(gt=0, lt=1)
    """Share of the turns, in whole dialogues, that are not learned from: they choose the epoch and the temperature."""


class OwnRecipe(_Section):
    """A checkpoint's fusion and dialogue states learn on; its encoders stay as they are."""

    name: str
    seed: int
    manifest: Manifest
    dialogue_training: DialogueTraining
    calibration: Calibration

    def digest(self, *sources: bytes) -> str:
        """A name for everything that the weights depend on; `sources`: what the recipe itself does not say."""
        said = [self.model_dump_json(exclude={"name", "calibration"}).encode(), *sources]
        return hashlib.sha256(b"\0".join(said)).hexdigest()[:12]


def describes(path: Path) -> bool:
    """Whether the file is a recipe of this kind: it has a table `manifest`."""
    try:
        return "manifest" in tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return False


def load(path: Path) -> OwnRecipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return OwnRecipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
