"""A face encoder's recipe: the network, the data and the schedule, as a small TOML file."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigurationError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Section):
    """FER2013 under the folder of data, and the share of its Training that choices are made on."""

    fer2013: str
    dev_share: float


class DanNumbers(_Section):
    """Arguments of `engine.features.dan.DanEncoder`."""

    name: Literal["dan"]
    side: int
    crop: int
    grey: bool
    heads: int
    stem_stride: Literal[2, 4]
    width: int


class EfficientFaceNumbers(_Section):
    """Arguments of `engine.features.efficientface.EfficientFaceEncoder`."""

    name: Literal["efficientface"]
    side: int
    crop: int
    grey: bool
    stem_stride: Literal[2, 4]


class Schedule(_Section):
    """AdamW under a one-cycle learning rate; the served weights are a moving average of the steps'."""

    augmentation: float
    """Strength of `engine.training.augment.faces`."""
    epochs: int
    batch: int
    warm_up: float
    """Share of the steps in which the learning rate rises."""
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    average: float
    """Share of the moving average that stays at each step."""
    half: bool
    """Forward passes in bfloat16 where torch's autocast allows it."""


class Losses(_Section):
    """Weights of DAN's two further losses; for a network without heads both are 0."""

    affinity: float
    partition: float


class FaceRecipe(_Section):
    """One face encoder."""

    name: str
    seed: int
    data: Data
    face_encoder: Annotated[DanNumbers | EfficientFaceNumbers, Field(discriminator="name")]
    training: Schedule
    losses: Losses

    def digest(self) -> str:
        """A name for everything the result depends on."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def describes(path: Path) -> bool:
    """Whether the file is a recipe of this kind: it has a table `face_encoder`."""
    try:
        return "face_encoder" in tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return False


def load(path: Path) -> FaceRecipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return FaceRecipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
