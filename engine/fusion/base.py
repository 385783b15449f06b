"""Fusion as a port: tokens of two modalities in, one utterance vector out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fused:
    """A batch of utterances after fusion."""

    u: Tensor
    """`[B, d]` the utterance vector."""
    v: Tensor
    """`[B, d]` of the video alone; 0 where there is none."""
    logits: Tensor
    """`[B, K]` of the model's own head."""
    gate: Mapping[str, Tensor] = field(default_factory=dict)
    """The model's own weights by name, `[B]` each."""
    branches: Mapping[str, Tensor] = field(default_factory=dict)
    """What the model's own loss asks for beside the logits, by name."""


class Fusion(Protocol):
    """A torch module that fuses a padded batch."""

    width: int
    """d of `u` and `v`."""

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """Audio `[B, Ta, Da]`, video `[B, Tv, Dv]`, masks `[B, T]` (True = real); an absent modality is all False.

        Any lengths, either modality absent, mixed in one batch; padding changes nothing and nothing turns NaN.
        """
        ...
