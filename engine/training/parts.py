"""A checkpoint's modules one by one, for measuring them over tokens that are made once."""

from dataclasses import dataclass

from torch import nn

from engine.artifact import Artifact
from engine.dialogue.causal import CausalDialogue
from engine.errors import CheckpointError
from engine.features.builders import face_encoder, voice_encoder
from engine.features.face import FaceEncoder
from engine.features.voice import VoiceEncoder
from engine.fusion.builders import AnyFusion, fusion


@dataclass(frozen=True, slots=True)
class Parts:
    """What a checkpoint holds, with its weights, ready to be run."""

    voice: VoiceEncoder
    face: FaceEncoder
    fusion: AnyFusion
    dialogue: CausalDialogue
    temperature: float
    abstain_below: float


def load(artifact: Artifact) -> Parts:
    """The modules a configuration describes. Raises `CheckpointError` if weights and configuration do not fit."""
    config = artifact.config
    try:
        parts = Parts(
            voice=voice_encoder(**config["encoders"]["audio"]),
            face=face_encoder(**config["encoders"]["face"]),
            fusion=fusion(**config["fusion"]),
            dialogue=CausalDialogue(**config["dialogue"]),
            temperature=float(config["calibration"]["temperature"]),
            abstain_below=float(config["calibration"]["abstain_below"]),
        )
        modules: dict[str, nn.Module] = {
            "audio_encoder": parts.voice,
            "face_encoder": parts.face,
            "fusion": parts.fusion,
            "dialogue": parts.dialogue,
        }
        for prefix, module in modules.items():
            module.load_state_dict(artifact.part(prefix))
            module.eval().requires_grad_(False)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{artifact.folder}: weights and configuration do not fit: {error}") from error
    return parts
