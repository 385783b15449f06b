"""AVAFN's cross-attention module (CAM): audio asks video and video asks audio, and both become one utterance vector.

Luo et al., "Mutual Cross-Attention in Dyadic Fusion Networks", section II-D-1, eqs 1-7.
"""

import torch
from torch import Tensor, nn

from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.layers.attention import masked_attention
from engine.layers.masking import masked_projection
from engine.layers.pooling import masked_mean


class Cam(nn.Module):
    """Cross-attention, feed-forward, the weighted sum of eq. 7 and the residual branches.

    On token sequences it pools after the attention. `pool_first` is the paper's own setting, one vector a modality: the
    attention over one key is then the identity.

    Readings: the paper's circled plus between tensors of one shape is the sum; one head, no output projection; alpha
    and beta are renormalised over the modalities that are present; the residual branch is Linear + LayerNorm of the
    mean token; `v` is the mean projected video token, so nothing of the audio is in it. An absent modality adds 0.
    `regression`: the head says values in [-1, 1] and not logits.
    """

    def __init__(
        self,
        *,
        audio: "Branch",
        video: "Branch",
        classes: int,
        dropout: float,
        pool_first: bool,
        regression: bool = False,
    ) -> None:
        super().__init__()
        if audio.width != video.width:
            raise ConfigurationError(f"the branches are {audio.width} and {video.width} wide; make them alike")
        self.width = audio.width
        self.pool_first = pool_first
        self.audio = audio
        self.video = video
        self.mix = nn.Parameter(torch.zeros(2))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.width, classes)
        self.regression = regression

    @property
    def alpha(self) -> float:
        """Learned weight of the audio in eq. 7: a constant of the model, it explains no single utterance."""
        return float(self.mix.detach().softmax(0)[0])

    @property
    def beta(self) -> float:
        """Learned weight of the video in eq. 7; `alpha + beta = 1`."""
        return float(self.mix.detach().softmax(0)[1])

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`; without any modality `u` and `v` are 0."""
        if self.pool_first:
            audio, audio_mask = _one_token(audio, audio_mask)
            video, video_mask = _one_token(video, video_mask)
        of_audio = self.audio.project(audio, audio_mask)
        of_video = self.video.project(video, video_mask)
        present = torch.stack([audio_mask.any(1), video_mask.any(1)], dim=1)
        crossed = torch.stack(
            [
                self.audio.ask(self.video, of_audio, audio_mask, of_video, video_mask),
                self.video.ask(self.audio, of_video, video_mask, of_audio, audio_mask),
            ],
            dim=1,
        )
        weights = self.mix.softmax(0) * present
        weights = weights / weights.sum(1, keepdim=True).masked_fill(~present.any(1, keepdim=True), 1)
        mean_audio, mean_video = masked_mean(of_audio, audio_mask), masked_mean(of_video, video_mask)
        residual = torch.stack([self.audio.residual(mean_audio), self.video.residual(mean_video)], dim=1)
        u = (weights[..., None] * crossed + residual * present[..., None]).sum(1)
        said = self.head(self.dropout(u))
        return Fused(u=u, v=mean_video, logits=torch.tanh(said) if self.regression else said)


class Branch(nn.Module):
    """What one modality owns in the CAM; no weight is shared between the two."""

    def __init__(self, *, tokens_width: int, width: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(tokens_width, width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward_width), nn.ReLU(), nn.Linear(feed_forward_width, width)
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.residual = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))
        self.dropout = nn.Dropout(dropout)

    def project(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """H `[B, T, d]` of tokens `[B, T, D]`; 0 where there is padding, whatever the padding holds."""
        return masked_projection(self.enter, tokens, mask)

    def ask(self, other: "Branch", mine: Tensor, mask: Tensor, theirs: Tensor, their_mask: Tensor) -> Tensor:
        """Eqs 1, 3 and 5 for one modality, then the mean over its tokens: `[B, d]`, 0 where it is absent."""
        query, key, value = (part.unsqueeze(1) for part in (self.query(mine), other.key(theirs), other.value(theirs)))
        told = masked_attention(query, key, value, their_mask).squeeze(1)
        normed = self.attention_norm(mine + self.dropout(told))
        crossed = self.feed_forward_norm(normed + self.dropout(self.feed_forward(normed)))
        return masked_mean(crossed, mask)


def _one_token(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return masked_mean(tokens, mask).unsqueeze(1), mask.any(1, keepdim=True)
