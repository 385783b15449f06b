"""The stages whose options can be left out, by name, as the shipped recipes train them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import ConfigurationError
from engine.training.effects.dialogues import DialogueStage
from engine.training.effects.faces import FaceStage
from engine.training.effects.run import Stage
from engine.training.effects.voices import VoiceStage
from engine.training.recipe import FOLDER, load
from engine.training.voices.recipe import load as load_voices

STAGES: Mapping[str, Callable[[Path], Stage]] = {
    "voice": lambda data: VoiceStage(load_voices(FOLDER / "voice.toml"), data=data),
    "face": lambda data: FaceStage(load(FOLDER / "default.toml"), data=data),
    "dialogues": lambda data: DialogueStage(load(FOLDER / "default.toml"), data=data),
}


def named(name: str, *, data: Path) -> Stage:
    """The stage of this name. Raises `ConfigurationError`: there is none, or its corpora are not under `data`."""
    if name not in STAGES:
        raise ConfigurationError(f"no stage {name!r}: say {', '.join(STAGES)}")
    return STAGES[name](data)
