"""What each part of a model holds, and what it costs on one utterance."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from engine.decision import Decision, decision
from engine.fusion.base import Fused
from engine.fusion.builders import AnyFusion, fusion
from engine.layers.macs import macs
from engine.parts import Parts
from engine.signals import FACE_SIZE, SAMPLE_RATE_HZ, StepRequest, Utterance

VOICE_S, FACES = 3.0, 15
_TWO = ("one", "other")


@dataclass(frozen=True, slots=True)
class Cost:
    """One part of a model."""

    part: str
    model: str
    parameters: int
    macs: int
    """Multiply-adds, of one utterance that is computed alone."""
    inside: Mapping[str, int] = field(default_factory=dict)
    """The parameters of what it is made of, by name."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the fusion model of a paper reads of one utterance: tokens and features a token."""

    audio: tuple[int, int]
    video: tuple[int, int]
    source: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


_CLIPS = Read((16, 512), (16, 512), "16 clips of ResNet-18 and of R(2+1)D-18")
PAPERS: Mapping[str, Read] = {
    "avafn": Read((1, 1024), (1, 1024), "means of wav2vec 2.0 large and of DAN", {"pool_first": True}),
    "avt-ca": Read((39, 128), (15, 64), "3.6 s of MFCC through two blocks, 15 frames through avt-ca-face"),
    "attsf": Read((5, 128), (15, 128), "3.6 s of MFCC through four blocks, 15 frames of EfficientFace"),
}
"""By family, those of dynamic cross-attention left out; where a paper is silent, what the encoder of its name gives."""


def of_checkpoint(parts: Parts, config: Mapping[str, Any]) -> list[Cost]:
    """The parts of a checkpoint, on `VOICE_S` of voice and `FACES` crops in a dialogue of two."""
    voice = torch.zeros(1, round(VOICE_S * SAMPLE_RATE_HZ))
    faces = torch.zeros(1, FACES, 3, FACE_SIZE, FACE_SIZE)
    heard, seen = _whole(voice), _whole(faces)
    encoders = config["encoders"]
    with torch.inference_mode():
        tokens = *parts.voice.extract(*heard), *parts.face.extract(*seen)
        return [
            _cost(
                "audio encoder",
                encoders["audio"].get("name", "voice"),
                parts.voice,
                lambda: parts.voice.extract(*heard),
            ),
            _cost("face encoder", encoders["face"].get("name", "face"), parts.face, lambda: parts.face.extract(*seen)),
            *_of_tokens(config["fusion"]["name"], parts.fusion, parts.decision, config["dialogue"], tokens),
        ]


def of_paper(name: str) -> list[Cost]:
    """The fusion model of this name and AVAFN's dialogue states behind it, on what the paper reads; untrained.

    Raises `ConfigurationError` for a name that no model has.
    """
    read = reading(name)
    model = fusion(name, audio_width=read.audio[1], video_width=read.video[1], **read.numbers).eval()
    states = {"width": model.width}
    with torch.inference_mode():
        tokens = *_whole(torch.zeros(1, *read.audio)), *_whole(torch.zeros(1, *read.video))
        return _of_tokens(name, model, decision(states), states, tokens)


def reading(name: str) -> Read:
    """What the paper of a fusion model reads."""
    return PAPERS.get(name.removesuffix("-l2").removesuffix("-gat"), _CLIPS)


def _of_tokens(
    name: str, model: AnyFusion, deciding: Decision, dialogue: Mapping[str, Any], tokens: tuple[Tensor, ...]
) -> list[Cost]:
    audio, audio_mask, video, video_mask = tokens

    def fuse() -> Fused:
        return model.fuse(audio, audio_mask, video, video_mask)

    request = StepRequest({}, (Utterance(_TWO[0], None, None),), announced=_TWO)
    fused = fuse()
    return [
        _cost("fusion", name, model, fuse),
        _cost(
            "dialogue",
            dialogue.get("name", "avafn"),
            nn.ModuleDict(dict(deciding.modules)),
            lambda: deciding.stream([request], [fused]),
        ),
    ]


def _cost(part: str, model: str, module: nn.Module, run: Callable[[], object]) -> Cost:
    inside: Counter[str] = Counter()
    for name, tensor in module.named_parameters():
        inside[name.partition(".")[0]] += tensor.numel()
    return Cost(part, model, inside.total(), macs(run), dict(inside))


def _whole(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs with the mask that says all of them are real."""
    return inputs, torch.ones(inputs.shape[:2], dtype=torch.bool)
