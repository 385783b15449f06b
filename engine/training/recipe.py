"""A recipe: everything a checkpoint is made from, as a small TOML file."""

import hashlib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import ConfigurationError

FOLDER = Path(__file__).parent / "recipes"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Corpora(_Section):
    """Where each corpus lies, under the folder of data."""

    ravdess: str
    emodb: str
    fer2013: str
    scripted: str


class Speakers(_Section):
    """Who trains and who is held out for choosing."""

    ravdess_train: tuple[int, ...]
    ravdess_dev: tuple[int, ...]
    emodb_train: tuple[int, ...]
    emodb_dev: tuple[int, ...]


class VoiceNumbers(_Section):
    """Arguments of `engine.features.builders.voice_encoder`."""

    n_mels: int
    n_fft: int
    win_length: int
    hop_length: int
    top_db: float
    channels: tuple[int, ...]
    width: int


class FaceNumbers(_Section):
    """Arguments of `engine.features.builders.face_encoder`."""

    channels: tuple[int, ...]
    depths: tuple[int, ...]
    width: int


class Schedule(_Section):
    """How long and how fast a stage learns: AdamW under a one-cycle learning rate."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float


class EncoderTraining(Schedule):
    """An encoder's own stage."""

    dropout: float


class VoiceTraining(EncoderTraining):
    """The voice's stage learns from stretches of this length."""

    crop_s: float


class FusionNumbers(BaseModel):
    """A fusion model's name and arguments in `engine.fusion.builders`; the dialogue states are as wide as it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = "avafn"


class DialogueNumbers(_Section):
    """The dialogue model's own number."""

    dropout: float


class DialogueTraining(Schedule):
    """The fusion's and the dialogue's stage; chances are in [0, 1]."""

    versions: int
    acted_turns: int
    acted_copies: int
    token_noise: float
    audio_missing: float
    video_missing: float
    one_modality: float
    participant_missing: float


class Calibration(_Section):
    """The share of dev turns that must get a label."""

    coverage: float


class Recipe(_Section):
    """One checkpoint."""

    name: str
    seed: int
    corpora: Corpora
    speakers: Speakers
    voice: VoiceNumbers
    voice_training: VoiceTraining
    face: FaceNumbers
    face_training: EncoderTraining
    fusion: FusionNumbers
    dialogue: DialogueNumbers
    dialogue_training: DialogueTraining
    calibration: Calibration

    def digest(self, *sections: str) -> str:
        """A name for what these sections say: a stage made with the same ones need not be made again."""
        chosen = self.model_dump_json(include={"seed", "corpora", "speakers", *sections})
        return hashlib.sha256(chosen.encode()).hexdigest()[:12]


def load(path: Path) -> Recipe:
    """Read a recipe; a `ConfigurationError` names what is wrong in it."""
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError as error:
        names = sorted(entry.stem for entry in FOLDER.glob("*.toml"))
        raise ConfigurationError(f"no recipe at {path}; those that come with Turntone: {names}") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"recipe {path}: {error}") from error
