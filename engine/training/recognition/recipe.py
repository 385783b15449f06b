"""A face encoder's recipe: the network, the data and the schedule, as a small TOML file."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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
    mirrored: bool
    heads: int
    stem_stride: Literal[2, 4]
    width: int


class EfficientFaceNumbers(_Section):
    """Arguments of `engine.features.efficientface.EfficientFaceEncoder`."""

    name: Literal["efficientface"]
    side: int
    crop: int
    grey: bool
    mirrored: bool
    stem_stride: Literal[2, 4]


class Cycle(_Section):
    """A one-cycle learning rate and a fresh AdamW, from the averaged weights of the cycle before.

    Its pictures have `side` pixels, of which `crop` are seen: early cycles may be cheap, the last one sees what is
    served.
    """

    side: int
    crop: int
    epochs: int
    warm_up: float
    """Share of the steps in which the learning rate rises."""
    learning_rate: float


class Schedule(_Section):
    """One cycle or a few; the served weights are a moving average of the steps'."""

    cycles: tuple[Cycle, ...] = Field(min_length=1)
    augmentation: float
    """Strength of `engine.training.material.augment.faces`."""
    batch: int = Field(ge=2)
    """Pictures; one alone has no spread that the networks' normalisation could go by."""
    weight_decay: float
    label_smoothing: float
    average: float
    """Share of the moving average that stays at each step."""
    half: bool
    """Forward passes in bfloat16 where torch's autocast allows it."""

    @property
    def epochs(self) -> int:
        """Of all cycles."""
        return sum(cycle.epochs for cycle in self.cycles)


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

    @model_validator(mode="after")
    def _ends_as_served(self) -> "FaceRecipe":
        last = self.training.cycles[-1]
        if (last.side, last.crop) != (self.face_encoder.side, self.face_encoder.crop):
            raise ValueError("the last of training.cycles must have the side and the crop of face_encoder")
        return self

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
