"""A recipe of a fusion model on performances: who is held out, the model, schedule and augmentation, as TOML."""

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigurationError
from engine.training.recipe import FusionNumbers, Schedule

SHIPPED = Path(__file__).parent / "recipes" / "units.toml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Protocol(_Section):
    """Who is held out."""

    name: Literal["actors", "choosing"] = "actors"
    """`actors`: folds of whole actors. `choosing`: `inner` folds inside the training part of the first of those, so
    that numbers of a recipe can be chosen; the first fold's actors are not read."""
    folds: int = Field(default=6, ge=2)
    inner: int = Field(default=4, ge=2)
    seed: int = 0


class Material(_Section):
    """What is known of a performance."""

    voices: Path | None = None
    """Where `turntone train voice` left the folds of a finished run with the same actors held out: the audio is then
    what each fold's encoder hears in the recordings. None: the 259 values that come with the action units."""
    by_actor: bool = False
    """Every actor's values are standardised by all of his own performances: another protocol, for nobody has them when
    an actor is met."""


class Training(Schedule):
    """The schedule of every fold."""

    members: int = Field(default=1, ge=1)
    """Trainings of the fusion a fold, from seeds of their own; the table has each alone and the mean of their
    probabilities. What stands beside the fusion is trained once."""


class Augmentation(_Section):
    """What a batch goes through; 0 leaves it out."""

    elsewhere: float = Field(default=0.0, ge=0, le=1)
    """Largest share of the way from an actor's mean to another's by which a performance is moved."""
    noise: float = Field(default=0.0, ge=0)
    """Spread of normal noise on the standardised values."""
    mixup: float = Field(default=0.0, ge=0)
    """Both parameters of the Beta distribution that two performances are mixed by."""
    missing: float = Field(default=0.0, ge=0, le=0.5)
    """How often a performance loses its audio, and how often its action units."""


class UnitsRecipe(_Section):
    """One fusion model on performances."""

    name: str
    seed: int
    protocol: Protocol = Protocol()
    material: Material = Material()
    fusion: FusionNumbers
    training: Training
    augmentation: Augmentation = Augmentation()

    def measured(self, *, voices: Path | None, choosing: bool, by_actor: bool) -> "UnitsRecipe":
        """The same recipe on other material or by another protocol; None and False leave its own."""
        material = self.material.model_copy(
            update=({"voices": voices} if voices else {}) | ({"by_actor": True} if by_actor else {})
        )
        protocol = self.protocol.model_copy(update={"name": "choosing"} if choosing else {})
        return self.model_copy(update={"material": material, "protocol": protocol})

    def digest(self) -> str:
        """A name for everything the result depends on."""
        return hashlib.sha256(self.model_dump_json(exclude={"name"}).encode()).hexdigest()[:12]


def load(path: Path) -> UnitsRecipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return UnitsRecipe.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
