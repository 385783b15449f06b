"""A checkpoint's parts as modules with their weights: encoders, fusion, and what decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.artifact import Artifact
from engine.decision import Decision, DialogueStates, decision, looking_again
from engine.errors import CheckpointError, ConfigurationError
from engine.features.builders import AudioEncoder, FaceCropEncoder, audio_encoder, video_encoder
from engine.fusion.builders import AnyFusion, fusion
from schemas.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class Parts:
    """What a checkpoint holds."""

    voice: AudioEncoder
    face: FaceCropEncoder
    fusion: AnyFusion
    decision: Decision
    temperature: float
    """Over which the logits are probabilities."""
    abstain_below: float
    """The confidence below which no label is given."""
    revised_temperature: float = 1.0
    """That of a second look's logits, where there is one."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Every part that has tensors, by their prefix in the checkpoint."""
        return {
            "audio_encoder": self.voice,
            "face_encoder": self.face,
            "fusion": self.fusion,
            **self.decision.modules,
        }


def load(artifact: Artifact, *, device: str = "cpu") -> Parts:
    """The parts that a checkpoint's configuration names, with its weights, ready to be run on `device`.

    Raises `CheckpointError` if the two do not fit each other.
    """
    config = artifact.config
    try:
        calibration, deciding = config["calibration"], decision(config["dialogue"])
        if "revision" in config:
            deciding = looking_again(deciding, **config["revision"])
        parts = Parts(
            voice=audio_encoder(config["encoders"]["audio"]),
            face=video_encoder(config["encoders"]["face"]),
            fusion=fusion(**config["fusion"]),
            decision=deciding,
            temperature=float(calibration["temperature"]),
            abstain_below=float(calibration["abstain_below"]),
            revised_temperature=float(calibration["revised_temperature"]) if "revision" in config else 1.0,
        )
        placed = torch.device(device)
        for prefix, module in parts.modules.items():
            _fill(module, artifact.part(prefix), prefix)
            module.to(placed).eval().requires_grad_(False)
        _check_joints(parts, config["fusion"])
    except (KeyError, TypeError, ValueError, RuntimeError, ConfigurationError) as error:
        raise CheckpointError(f"{artifact.folder}: weights and configuration do not fit: {error}") from error
    return parts


def _check_joints(parts: Parts, fused: Mapping[str, Any]) -> None:
    """Raise `ValueError` where a part, whole by itself, does not fit the next: a stream would find it out too late."""
    for encoder, gives, reads in (
        ("audio", parts.voice.width, fused.get("audio_width", parts.voice.width)),
        ("face", parts.face.width, fused.get("video_width", parts.face.width)),
    ):
        if gives != reads:
            raise ValueError(f"the {encoder} encoder gives {gives} features a token, the fusion reads {reads}")
    told = {"fusion tells": fused.get("classes", len(EMOTIONS))}
    if isinstance(parts.decision, DialogueStates):
        states = parts.decision.dialogue
        if parts.fusion.width != states.width:
            raise ValueError(
                f"the fusion gives vectors of {parts.fusion.width}, the dialogue states read {states.width}"
            )
        told["dialogue states tell"] = states.classifier.out_features
    for part, classes in told.items():
        if classes != len(EMOTIONS):
            raise ValueError(f"the {part} {classes} classes apart, labels are {len(EMOTIONS)}")


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    own = module.state_dict()
    wrong = sorted(own.keys() ^ tensors.keys()) or sorted(n for n, t in own.items() if t.shape != tensors[n].shape)
    if wrong:
        raise ValueError(
            f"{len(wrong)} tensors of {prefix} are missing, left over or of another shape, {wrong[0]!r} first"
        )
    module.load_state_dict(tensors)
