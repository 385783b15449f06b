"""A recipe: everything a checkpoint is made from, as a small TOML file."""

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from engine.dialogue.cells import Ablation
from engine.errors import ConfigurationError
from engine.features.no_faces import NONE
from engine.fusion.builders import VOICE
from schemas.labels import EMOTIONS

FOLDER = Path(__file__).parent / "recipes"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Corpora(_Section):
    """Where each corpus lies, under the folder of data; None: the recipe does without it."""

    ravdess: str | None = None
    emodb: str | None = None
    fer2013: str | None = None
    scripted: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that the recipe names."""
        return tuple(self.model_dump(exclude_none=True))


class Speakers(_Section):
    """Who trains and who is held out for choosing."""

    ravdess_train: tuple[int, ...] = ()
    ravdess_dev: tuple[int, ...] = ()
    emodb_train: tuple[int, ...] = ()
    emodb_dev: tuple[int, ...] = ()


Numbers = dict[str, JsonValue]
"""An encoder's `name` (left out: `voice` or `face`) and its arguments in `engine.features.builders`; where its weights
are in a file or a folder of their own, `weights` says where."""


_BALANCE = 0.5


class Schedule(_Section):
    """How long and how fast a stage learns: AdamW under a one-cycle learning rate."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    # Stages from before there was a choice say none of the rest.
    balance: float = Field(_BALANCE, ge=0, le=1, exclude_if=lambda balance: balance == _BALANCE)
    """How much more an item of a rare class counts: one over the class's number to this power. 0: every item the same,
    and confidence is that of the corpus's own shares."""
    patience: int | None = Field(None, ge=1, exclude_if=lambda patience: patience is None)
    """Epochs without a better weighted F1 on the dev part after which the best one stands; None: to the end."""
    average: float = Field(0.0, ge=0, lt=1, exclude_if=lambda average: not average)
    """Share of the weights' moving average over the steps that stays at each; what is averaged stands. 0: the last."""


class EncoderTraining(Schedule):
    """An encoder's own stage."""

    batch: int = Field(ge=2)
    """One item alone has no spread that a network's normalisation could go by."""
    dropout: float


class VoiceTraining(EncoderTraining):
    """The voice's stage learns from stretches of this length."""

    crop_s: float


class VoiceAugmentation(_Section):
    """What a recording goes through; 0 leaves it out. A gain is not among it: a voice encoder does not hear one."""

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


class FaceAugmentation(_Section):
    """How far a face is taken from how it was pictured, anew at every step; 0 leaves a part out."""

    mirror: float = Field(default=0.5, ge=0, le=1)
    """Chance of left for right."""
    turn: float = Field(default=0.25, ge=0)
    """Up to so many radians."""
    scale: float = Field(default=0.2, ge=0, lt=1)
    """Up to this share nearer or farther, and by half of it out of shape."""
    shift: float = Field(default=0.15, ge=0, lt=1)
    """Up to this share of half a side."""
    blur: float = Field(default=0.25, ge=0, le=1)
    """Chance of half the sharpness."""
    light: float = Field(default=0.4, ge=0)
    """Grey values are raised to a power between e to minus this and e to this."""
    cover: float = Field(default=0.25, ge=0, le=1)
    """Chance of a rectangle of up to two fifths of each side at the picture's mean."""

    def weakened(self, strength: float) -> "FaceAugmentation":
        """The same at a share of its strength, but for the mirror."""
        return self.model_copy(
            update={name: strength * value for name, value in self.model_dump().items() if name != "mirror"}
        )


EVERY_LOOK = FaceAugmentation()


class FusionNumbers(BaseModel):
    """A fusion model's name and arguments in `engine.fusion.builders`; "none" says that a part is not there."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "avafn"

    @model_validator(mode="before")
    @classmethod
    def _without(cls, numbers: dict[str, Any]) -> dict[str, Any]:
        # TOML has no null.
        return {name: None if value == "none" else value for name, value in numbers.items()}


class StatesNumbers(_Section):
    """AVAFN's dialogue states, as wide as the fusion's utterance vector."""

    # Stages and checkpoints from before there was a choice do not say it.
    name: Literal["avafn"] = Field("avafn", exclude=True)
    dropout: float
    ablation: Ablation | None = Field(None, exclude_if=lambda ablation: ablation is None)

    def arguments(self, *, width: int) -> dict[str, Any]:
        """For `engine.decision.decision`."""
        return {"width": width, "classes": len(EMOTIONS), **self.model_dump()}


class NoDialogue(_Section):
    """No dialogue model: an utterance is decided by the fusion's own head."""

    name: Literal["none"] = "none"

    def arguments(self, *, width: int) -> dict[str, Any]:
        """For `engine.decision.decision`; nothing is wide here."""
        return self.model_dump()


class DialogueTraining(Schedule):
    """The fusion's and the dialogue model's stage; chances are in [0, 1]."""

    versions: int
    acted_turns: int = 10
    acted_copies: int = 0
    """How often single recordings are acted as calls of so many turns."""
    token_noise: float
    audio_missing: float
    video_missing: float
    one_modality: float
    neither: float = Field(0.0, ge=0, le=1, exclude_if=lambda chance: not chance)
    """Chance that a turn is known to be there and nothing else: what is said of it comes from the dialogue."""
    participant_missing: float


class RevisionTraining(Schedule):
    """The stage of the backward cells, over dialogues as `DialogueTraining` has them."""

    turns: int = Field(ge=1)
    """K: how many of the next turns are known when a turn is looked at again."""
    dropout: float

    def arguments(self) -> dict[str, Any]:
        """For `engine.decision.looking_again`."""
        return {"turns_ahead": self.turns, "dropout": self.dropout}


class Calibration(_Section):
    """What chooses the confidence below which no label is given, on every kind of dev turns: one of both."""

    coverage: float | None = Field(None, gt=0, le=1)
    """The share that must get a label."""
    risk: float | None = Field(None, gt=0, lt=1)
    """The share of those with a label that may be wrong."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.coverage is None) == (self.risk is None):
            raise ValueError(
                "[calibration] says either coverage, the share of turns that must get a label, or risk, the share of "
                "those with a label that may be wrong"
            )
        return self


class Recipe(_Section):
    """One checkpoint."""

    name: str
    seed: int
    corpora: Corpora
    speakers: Speakers
    voice: Numbers
    voice_training: VoiceTraining | None = None
    """None: the encoder comes with its weights, and stays as it is; so with the face's."""
    voice_augmentation: VoiceAugmentation | None = Field(None, exclude_if=lambda numbers: numbers is None)
    """What the voice's stage and the versions of its tokens are made with, where the encoder hears log-mel and learns
    under a head for each corpus (`engine.training.voices`); None: the plain stage, for any encoder."""
    face: Numbers = {"name": NONE}
    """Left out: faces are not read, and the checkpoint is of voices alone."""
    face_training: EncoderTraining | None = None
    face_augmentation: FaceAugmentation = Field(EVERY_LOOK, exclude_if=lambda numbers: numbers == EVERY_LOOK)
    """What faces go through in their encoder's stage and in the versions of their tokens."""
    fusion: FusionNumbers
    dialogue: StatesNumbers | NoDialogue
    dialogue_training: DialogueTraining
    revision: RevisionTraining | None = None
    """None: what is said of a turn stands."""
    calibration: Calibration

    @model_validator(mode="after")
    def _complete(self) -> Self:
        sighted, named = self.face.get("name") != NONE, self.corpora.names
        if not {"ravdess", "emodb"} & set(named):
            raise ValueError("[corpora] names no voices: say ravdess or emodb")
        if "scripted" in named and not {"ravdess", "fer2013"} <= set(named):
            raise ValueError("[corpora] scripted: its dialogues are made of ravdess and fer2013; name both")
        if sighted and "fer2013" not in named:
            raise ValueError("[face] has no faces to learn or be tuned with: name fer2013 in [corpora]")
        if sighted == (self.fusion.name == VOICE):
            raise ValueError(f'[fusion] name = "{VOICE}" belongs to a recipe without [face], and no other fusion does')
        return self

    def digest(self, *sections: str, weights: Sequence[str] = ()) -> str:
        """A name for what these sections say: a stage made with the same ones need not be made again.

        weights: hashes of those that come from elsewhere.
        """
        chosen = self.model_dump_json(include={"seed", "corpora", "speakers", *sections})
        return hashlib.sha256("".join([chosen, *weights]).encode()).hexdigest()[:12]

    def choosing(self, *, fusion: str | None = None, gate: str | None = None, dialogue: str | None = None) -> "Recipe":
        """The same recipe with another fusion model, a gate upon it, or another dialogue model.

        The numbers stay: one that the named model does not have is an error where the model is built. Raises
        `ConfigurationError` for a dialogue model that is not known, or whose numbers the recipe lacks.
        """
        name = fusion or self.fusion.name
        if name != VOICE and self.face.get("name") == NONE:
            raise ConfigurationError(f"recipe {self.name} has no [face]: there is nothing that {name} could fuse")
        if gate is not None and not name.endswith(f"+{gate}"):
            name = f"{name}+{gate}"
        return self.model_copy(
            update={
                "fusion": self.fusion.model_copy(update={"name": name}),
                "dialogue": self._dialogue(dialogue or self.dialogue.name),
            }
        )

    def _dialogue(self, name: str) -> StatesNumbers | NoDialogue:
        if name == self.dialogue.name:
            return self.dialogue
        if name == "none":
            return NoDialogue()
        if name == "avafn":
            raise ConfigurationError(f"recipe {self.name} has no numbers for dialogue avafn: say [dialogue] dropout")
        raise ConfigurationError(f"no dialogue model is called {name!r}; there are avafn, none")


def load(path: Path) -> Recipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError as error:
        names = sorted(entry.stem for entry in FOLDER.glob("*.toml"))
        raise ConfigurationError(f"no recipe at {path}; those that come with Turntone: {names}") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
