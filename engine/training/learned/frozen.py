"""Encoders that learn nothing here: features without weights, and networks whose weights come from elsewhere."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import nn

from engine.artifact import DEFAULT
from engine.errors import CheckpointError, ConfigurationError
from engine.features import pretrained, trained
from engine.features.builders import AudioEncoder, FaceCropEncoder, audio_encoder, video_encoder
from engine.features.speech_files import find, fingerprint
from engine.training.corpora.base import Card

Encoder = TypeVar("Encoder", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Frozen(Generic[Encoder]):
    """An encoder as it comes."""

    encoder: Encoder
    numbers: Mapping[str, Any]
    """What a checkpoint says of it."""
    card: Card | None
    """What its weights were made from; None: it has none."""
    sha256: str | None
    """Of its weights: what is made with others is something else."""


def audio(numbers: Mapping[str, Any]) -> Frozen[AudioEncoder]:
    """The audio encoder of a recipe without `[voice_training]`; `weights` is a file for its trunk.

    A speech model whose `sha256` the recipe does not say is the one that is found; a checkpoint says it.
    Raises `ConfigurationError` where weights are wanted and not said, `CheckpointError` where they do not fit.
    """
    numbers, weights = _apart(numbers)
    if "source" in numbers and "sha256" not in numbers:
        pickled = bool(numbers.get("pickled", False))
        numbers["sha256"] = fingerprint(find(str(numbers["source"]), pickled=pickled), pickled=pickled)
    encoder = audio_encoder(numbers)
    if "source" in numbers:
        return _frozen(encoder, numbers, _unknown(str(numbers["source"])), str(numbers["sha256"]))
    return _with_trunk("voice", encoder, numbers, weights)


def face(numbers: Mapping[str, Any]) -> Frozen[FaceCropEncoder]:
    """The face encoder of a recipe without `[face_training]`; see `audio`.

    `weights` may also be the folder of one that `turntone train` made, or `efficientface`, which comes with Turntone;
    the other numbers are then the folder's own.
    """
    numbers, weights = _apart(numbers)
    if weights is None or Path(weights).is_file():
        return _with_trunk("face", video_encoder(numbers), numbers, weights)
    folder = Path(weights) if Path(weights).is_dir() else DEFAULT.parent / weights
    encoder = trained.load(folder)
    config = json.loads((folder / "config.json").read_text())
    other = {name: value for name, value in numbers.items() if config["face_encoder"].get(name) != value}
    if other:
        raise ConfigurationError(f"the weights {weights} are of {config['face_encoder']}; the recipe says {other}")
    return _frozen(encoder, config["face_encoder"], Card(**config["data"]), _sha256(folder / "model.safetensors"))


def _apart(numbers: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    rest = dict(numbers)
    weights = rest.pop("weights", None)
    return rest, None if weights is None else str(weights)


def _with_trunk(section: str, encoder: Encoder, numbers: Mapping[str, Any], weights: str | None) -> Frozen[Encoder]:
    """An encoder whose trunk is filled from a file, or one that has nothing to learn."""
    if weights is not None:
        trunk = getattr(encoder, "trunk", None)
        if not isinstance(trunk, nn.Module):
            raise CheckpointError(f"{weights}: this encoder has no trunk to fill with published weights")
        pretrained.fill(trunk, Path(weights))
        return _frozen(encoder, numbers, _unknown(weights), _sha256(Path(weights)))
    if any(True for _ in encoder.parameters()):
        name = numbers.get("name", section)
        raise ConfigurationError(
            f"[{section}] {name!r} has weights to learn, and the recipe says neither where they are (weights) nor how "
            f"they are learned ([{section}_training])"
        )
    return _frozen(encoder, numbers, None, None)


def _frozen(encoder: Encoder, numbers: Mapping[str, Any], card: Card | None, sha256: str | None) -> Frozen[Encoder]:
    encoder.eval().requires_grad_(False)
    return Frozen(encoder, numbers, card, sha256)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unknown(source: str) -> Card:
    return Card(
        name=source,
        source=source,
        licence="its own",
        use="research only",
        traps="weights from elsewhere: what they have learned from, and what that allows, is said there",
    )
