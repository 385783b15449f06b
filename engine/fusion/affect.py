"""Valence and arousal beside the classes: any fusion model with a second head."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from engine.fusion.base import Fused, Fusion


class WithAffect(nn.Module):
    """A fusion model whose utterance vector also says two values in [-1, 1], `Fused.affect`.

    Both heads learn together: `own_loss` adds the concordance loss of the utterances that have values.
    """

    def __init__(self, fusion: Fusion, *, dropout: float) -> None:
        super().__init__()
        self.fusion = fusion
        self.width = fusion.width
        self.dropout = nn.Dropout(dropout)
        self.affect_head = nn.Linear(fusion.width, 2)

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`."""
        fused = self.fusion.fuse(audio, audio_mask, video, video_mask)
        return replace(fused, affect=self.felt(fused.u))

    def felt(self, u: Tensor) -> Tensor:
        """Valence and arousal `[B, 2]` of utterance vectors `[B, d]`."""
        said: Tensor = torch.tanh(self.affect_head(self.dropout(u)))
        return said
