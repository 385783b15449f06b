"""Fusion as a port: tokens of two modalities in, one utterance vector out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

Over = Literal["batch", "features"]
"""Along what a Gaussian of features is taken; see `engine.fusion.losses.similarity`."""


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """How much the losses of a model's branches count beside the main one; 0 leaves a loss out."""

    audio: float = 0.5
    video: float = 0.5
    similarity: float = 0.3
    over: Over = "batch"


@dataclass(frozen=True, slots=True)
class Fused:
    """A batch of utterances after fusion."""

    u: Tensor
    """`[B, d]` the utterance vector."""
    v: Tensor
    """`[B, d]` of the video alone; 0 where there is none."""
    logits: Tensor
    """`[B, K]` of the model's own head; with `regression` values in [-1, 1]."""
    gate: Mapping[str, Tensor] = field(default_factory=dict)
    """The model's own weights by name, `[B]` each."""
    branches: Mapping[str, Tensor] = field(default_factory=dict)
    """What the model's own loss asks for beside the logits, by name."""
    auxiliary: Auxiliary | None = None
    """The weights of that loss, where there is one."""
    affect: Tensor | None = None
    """`[B, 2]` valence and arousal in [-1, 1], where the model was built to say them beside its classes."""


class Fusion(Protocol):
    """A torch module that fuses a padded batch."""

    width: int
    """d of `u` and `v`."""

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """Audio `[B, Ta, Da]`, video `[B, Tv, Dv]`, masks `[B, T]` (True = real); an absent modality is all False.

        Any lengths, either modality absent, mixed in one batch; padding changes nothing and nothing turns NaN.
        """
        ...
