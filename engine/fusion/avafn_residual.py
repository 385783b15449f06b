"""AVAFN without its cross-attention module: what is left when neither modality asks the other.

The ablation of section II-D-1: of eqs 1-7 only the residual branches remain.
"""

import torch
from torch import Tensor, nn

from engine.fusion.base import Fused
from engine.layers.masking import masked_projection
from engine.layers.pooling import masked_mean


class Residuals(nn.Module):
    """`u = H_a^r + H_v^r`, Linear + LayerNorm of each modality's mean token; an absent modality adds 0.

    `v` is the mean projected video token, as in `Cam`. `regression`: the head says values in [-1, 1] and not logits.
    """

    def __init__(
        self, *, audio_width: int, video_width: int, width: int, classes: int, dropout: float, regression: bool
    ) -> None:
        super().__init__()
        self.width = width
        self.enter_audio, self.enter_video = nn.Linear(audio_width, width), nn.Linear(video_width, width)
        self.audio, self.video = (nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width)) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)
        self.regression = regression

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`; without any modality `u` and `v` are 0."""
        mean_audio = masked_mean(masked_projection(self.enter_audio, audio, audio_mask), audio_mask)
        mean_video = masked_mean(masked_projection(self.enter_video, video, video_mask), video_mask)
        u = self.audio(mean_audio) * audio_mask.any(1, keepdim=True) + self.video(mean_video) * video_mask.any(
            1, keepdim=True
        )
        said = self.head(self.dropout(u))
        return Fused(u=u, v=mean_video, logits=torch.tanh(said) if self.regression else said)
