"""The plain reference: the mean token of each modality, side by side, under one linear layer."""

import torch
from torch import Tensor, nn

from engine.fusion.base import Fused
from engine.layers.pooling import masked_mean


class Linear(nn.Module):
    """A `Fusion` that fuses nothing but by adding: logistic regression on mean tokens, 0 where there is no modality."""

    def __init__(self, *, audio_width: int, video_width: int, classes: int) -> None:
        super().__init__()
        self.width = audio_width + video_width
        self.head = nn.Linear(self.width, classes)

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`."""
        means = masked_mean(audio, audio_mask), masked_mean(video, video_mask)
        u = torch.cat(means, dim=-1)
        return Fused(u=u, v=torch.cat((torch.zeros_like(means[0]), means[1]), dim=-1), logits=self.head(u))
