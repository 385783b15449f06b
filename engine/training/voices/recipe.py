"""A voice encoder's recipe: the network, the corpora, who is held out, the schedule and the augmentation, as TOML."""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from engine.errors import ConfigurationError


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


class Schedule(_Section):
    """AdamW under a one-cycle rate; what is measured is a moving average of the steps' weights."""

    epochs: int = Field(ge=1)
    batch: int = Field(ge=2)
    learning_rate: float
    weight_decay: float
    label_smoothing: float = Field(ge=0, lt=1)
    dropout: float = Field(ge=0, lt=1)
    crop_s: float = Field(gt=0)
    """Length of the stretch that is seen of a recording; a shorter one is repeated."""
    average: float = Field(ge=0, lt=1)
    """Share of the moving average that stays at each step."""
    members: int = Field(default=1, ge=1)
    """Trainings a fold, from seeds of their own; the table has each alone and the mean of their probabilities."""


class Augmentation(_Section):
    """What a recording goes through; 0 leaves it out. A gain is not among it: the encoder does not hear one."""

    versions: int = Field(default=1, ge=1)
    """How often every recording is augmented, before the training; what is drawn at each step is the stretch and what
    of it is hidden or mixed."""
    speed: float = Field(default=0.0, ge=0, lt=1)
    """A recording is played up to this share faster or slower, its pitch with it."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Chance of noise between white and brown, 5 to 35 dB below the voice."""
    babble: float = Field(default=0.0, ge=0, le=1)
    """Chance of other speakers of the training part, 0 to 15 dB below the voice."""
    reverberation: float = Field(default=0.0, ge=0, le=1)
    """Chance of a room."""
    telephone: float = Field(default=0.0, ge=0, le=1)
    """Chance of a telephone's band and mu-law."""
    time_mask: float = Field(default=0.0, ge=0, le=1)
    """Longest of two hidden stretches, as a share of the stretch that is seen."""
    band_mask: float = Field(default=0.0, ge=0, le=1)
    """Widest of two hidden bands, as a share of the bands."""
    mixup: float = Field(default=0.0, ge=0)
    """Both parameters of the Beta distribution that two recordings of one corpus are mixed by (Zhang et al. 2018)."""


class VoiceRecipe(_Section):
    """One voice encoder."""

    name: str
    seed: int
    corpora: Corpora
    protocol: Protocol = Protocol()
    voice_encoder: dict[str, JsonValue]
    """Its `name` and its arguments in `engine.features.builders`."""
    training: Schedule
    augmentation: Augmentation

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
