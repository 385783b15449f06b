"""What stands in the place of fusion where a checkpoint has a voice and no face."""

import torch
from torch import Tensor, nn

from engine.fusion.base import Fused
from engine.layers.masking import masked_projection
from engine.layers.pooling import masked_mean


class VoiceAlone(nn.Module):
    """A `Fusion` of one modality: the mean and the spread of the voice's tokens become the utterance vector.

    `v` is 0, as of an utterance without a picture: the dialogue's listeners hear and do not see.
    """

    def __init__(self, *, audio_width: int, width: int = 128, classes: int = 7, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(audio_width, width)
        self.join = nn.Sequential(nn.Linear(2 * width, width), nn.LayerNorm(width))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`; whatever is seen is not looked at, and without a voice `u` is 0."""
        tokens = masked_projection(self.enter, audio, audio_mask).relu()
        mean = masked_mean(tokens, audio_mask)
        # A root has no gradient at 0.
        spread = (masked_mean((tokens - mean[:, None]).square(), audio_mask) + 1e-5).sqrt()
        heard = audio_mask.any(dim=1, keepdim=True)
        u = self.join(self.dropout(torch.cat((mean, spread), dim=1))) * heard
        return Fused(u=u, v=torch.zeros_like(u), logits=self.head(self.dropout(u)))
