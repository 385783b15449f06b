"""Encoders that learn nothing here: features without weights, and networks whose weights come from elsewhere."""

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


def audio(numbers: Mapping[str, Any]) -> Frozen[AudioEncoder]:
    """The audio encoder of a recipe without `[voice_training]`; `weights` is a file for its trunk.

    Raises `ConfigurationError` where weights are wanted and not said, `CheckpointError` where they do not fit.
    """
    numbers, weights = _apart(numbers)
    encoder = audio_encoder(numbers)
    if weights is not None:
        _fill(encoder, Path(weights))
    return _checked("voice", encoder, numbers, weights or numbers.get("source"))


def face(numbers: Mapping[str, Any]) -> Frozen[FaceCropEncoder]:
    """The face encoder of a recipe without `[face_training]`; see `audio`.

    `weights` may also be the folder of one that `turntone train` made, or `efficientface`, which comes with Turntone;
    the other numbers are then the folder's own.
    """
    numbers, weights = _apart(numbers)
    if weights is None or Path(weights).is_file():
        encoder = video_encoder(numbers)
        if weights is not None:
            _fill(encoder, Path(weights))
        return _checked("face", encoder, numbers, weights)
    folder = Path(weights) if Path(weights).is_dir() else DEFAULT.parent / weights
    encoder = trained.load(folder)
    config = json.loads((folder / "config.json").read_text())
    other = {name: value for name, value in numbers.items() if config["face_encoder"].get(name) != value}
    if other:
        raise ConfigurationError(f"the weights {weights} are of {config['face_encoder']}; the recipe says {other}")
    return Frozen(encoder, config["face_encoder"], Card(**config["data"]))


def _apart(numbers: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    rest = dict(numbers)
    weights = rest.pop("weights", None)
    return rest, None if weights is None else str(weights)


def _fill(encoder: nn.Module, path: Path) -> None:
    trunk = getattr(encoder, "trunk", None)
    if not isinstance(trunk, nn.Module):
        raise CheckpointError(f"{path}: this encoder has no trunk to fill with published weights")
    pretrained.fill(trunk, path)


def _checked(section: str, encoder: Encoder, numbers: Mapping[str, Any], source: Any) -> Frozen[Encoder]:
    learned = any(True for _ in encoder.parameters())
    if learned and source is None:
        name = numbers.get("name", section)
        raise ConfigurationError(
            f"[{section}] {name!r} has weights to learn, and the recipe says neither where they are (weights) nor how "
            f"they are learned ([{section}_training], for {section!r} alone)"
        )
    encoder.eval().requires_grad_(False)
    return Frozen(encoder, numbers, _unknown(str(source)) if learned else None)


def _unknown(source: str) -> Card:
    return Card(
        name=source,
        source=source,
        licence="its own",
        use="research only",
        traps="weights from elsewhere: what they have learned from, and what that allows, is said there",
    )
