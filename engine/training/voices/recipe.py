"""A voice encoder's recipe: the network, the corpora, who is held out, the schedule and the augmentation, as TOML."""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from engine.errors import ConfigurationError
from engine.training.recipe import VoiceAugmentation, VoiceTraining


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Corpora(_Section):
    """Where each corpus lies under the folder of data; one that is left out is not learned from."""

    ravdess: str | None = None
    emodb: str | None = None

    @model_validator(mode="after")
    def _some(self) -> "Corpora":
        if self.ravdess is None and self.emodb is None:
            raise ValueError("name ravdess, emodb, or both")
        return self


class Protocol(_Section):
    """Who is held out."""

    name: Literal["speakers", "choosing", "random"] = "speakers"
    """`speakers`: folds of whole speakers. `choosing`: inside the training part of the first of those folds, the
    speakers of the second are held out, so that numbers of a recipe can be chosen. `random`: rows, whoever speaks, as
    many papers have it; its voices have been learned, and every table says so."""
    folds: int = Field(default=6, ge=2)
    seed: int = 0


class VoiceTrainings(VoiceTraining):
    """The schedule of every fold."""

    members: int = Field(default=1, ge=1)
    """Trainings a fold, from seeds of their own; the table has each alone and the mean of their probabilities."""


class VoiceRecipe(_Section):
    """One voice encoder."""

    name: str
    seed: int
    corpora: Corpora
    protocol: Protocol = Protocol()
    voice_encoder: dict[str, JsonValue]
    """Its `name` and its arguments in `engine.features.builders`."""
    training: VoiceTrainings
    augmentation: VoiceAugmentation

    def by_folds(self, folds: int | None) -> "VoiceRecipe":
        """The same recipe measured by another number of folds; None leaves its own."""
        if folds is None:
            return self
        return self.model_copy(update={"protocol": self.protocol.model_copy(update={"folds": folds})})

    def digest(self) -> str:
        """A name for everything the result depends on."""
        return hashlib.sha256(self.model_dump_json(exclude={"name"}).encode()).hexdigest()[:12]


def describes(path: Path) -> bool:
    """Whether the file is a recipe of this kind: it has a table `voice_encoder`."""
    try:
        return "voice_encoder" in tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return False


def load(path: Path) -> VoiceRecipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return VoiceRecipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
