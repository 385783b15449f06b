"""AVT-CA: an intermediate transformer fusion, cross-self-attention and a last cross-attention over both modalities.

Venkatraman et al., "Multimodal Emotion Recognition using Audio-Video Transformer Fusion with Cross Attention",
sections III-B to III-D, eqs 2-6.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from engine.errors import ConfigurationError
from engine.fusion.base import Fused
from engine.layers.attention import masked_attention
from engine.layers.masking import masked_projection
from engine.layers.multihead import MultiHead
from engine.layers.pooling import masked_max, masked_mean

OwnWay = Literal["block", "attention"]


class AvtCa(nn.Module):
    """Audio asks video and video asks audio, three times over; the largest values of both are added.

    `transformer_heads` None leaves the fusion blocks out (CT-1, CT-4 of Table V), `cross_heads` None the last
    cross-attention (IT-1, IT-4); cross-self-attention stands between the two and needs both.

    Readings: eq. 6 as written, LayerNorm once; no bias in the attentions; the cross-self-attention has one head and
    adds what `own` says: the fusion block's own result, or an attention of each modality over itself by the same
    matrices as well. `paper` leaves out the residual around the last cross-attention: as written, with one modality
    absent nothing of the other gets through. `v` is the mean projected video token.

    Args:
        audio_width, video_width: of the tokens; width: d. Defaults are the paper's (IT-4, CT-4, feed-forward 4 d).
        regression: the head says values in [-1, 1] and not logits.
    """

    def __init__(
        self,
        *,
        audio_width: int,
        video_width: int,
        width: int = 128,
        feed_forward_width: int = 512,
        classes: int = 7,
        regression: bool = False,
        dropout: float = 0.1,
        transformer_heads: int | None = 4,
        cross_heads: int | None = 4,
        own: OwnWay = "block",
        paper: bool = False,
    ) -> None:
        super().__init__()
        if transformer_heads is None and cross_heads is None:
            raise ConfigurationError("avt-ca without its fusion blocks and without its cross-attention fuses nothing")
        self.width = width
        self.own = own
        self.paper = paper
        self.enter_audio, self.enter_video = nn.Linear(audio_width, width), nn.Linear(video_width, width)
        self.transform: _Pair | None = None
        self.cross_self: CrossSelfAttention | None = None
        self.final: _Pair | None = None
        if transformer_heads is not None:
            self.transform = _Pair(
                *(
                    FusionBlock(
                        width=width, heads=transformer_heads, feed_forward_width=feed_forward_width, dropout=dropout
                    )
                    for _ in range(2)
                )
            )
        if transformer_heads is not None and cross_heads is not None:
            self.cross_self = CrossSelfAttention(width=width, own=own)
        if cross_heads is not None:
            self.final = _Pair(*(MultiHead(width=width, heads=cross_heads, bias=False) for _ in range(2)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)
        self.regression = regression

    def fuse(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Fused:
        """The port `Fusion`; without any modality `u` and `v` are 0."""
        of_audio = masked_projection(self.enter_audio, audio, audio_mask)
        of_video = masked_projection(self.enter_video, video, video_mask)
        v = masked_mean(of_video, video_mask)
        if self.transform is not None:
            of_audio, of_video = self.transform(of_audio, audio_mask, of_video, video_mask)
        if self.cross_self is not None:
            of_audio, of_video = self.cross_self(of_audio, audio_mask, of_video, video_mask)
        if self.final is not None:
            crossed_audio, crossed_video = self.final(of_audio, audio_mask, of_video, video_mask)
            of_audio = crossed_audio if self.paper else of_audio + crossed_audio
            of_video = crossed_video if self.paper else of_video + crossed_video
        u = masked_max(of_audio, audio_mask) + masked_max(of_video, video_mask)
        said = self.head(self.dropout(u))
        return Fused(u=u, v=v, logits=torch.tanh(said) if self.regression else said)


class FusionBlock(nn.Module):
    """One modality asks the other (eqs 2, 3), residual and LayerNorm (eq. 4), feed-forward (eqs 5, 6)."""

    def __init__(self, *, width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHead(width=width, heads=heads, bias=False)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward_width)
        self.narrow = nn.Linear(feed_forward_width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, mine: Tensor, theirs: Tensor, their_mask: Tensor) -> Tensor:
        """`[B, T, d]` that ask `[B, T', d]`, mask `[B, T']`: `[B, T, d]`."""
        normed = self.norm(self.attention(mine, theirs, their_mask) + mine)
        result: Tensor = normed + self.narrow(self.dropout(gelu(self.widen(normed))))
        return result


class CrossSelfAttention(nn.Module):
    """`o~ = o_self + softmax(Q K' / sqrt d) V` with Q of one modality, K and V of the other (section III-C)."""

    def __init__(self, *, width: int, own: OwnWay) -> None:
        super().__init__()
        self.own = own
        self.audio, self.video = _Projections(width), _Projections(width)

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `[B, T, d]` and masks `[B, T]` of both to tokens of both."""
        of_audio, of_video = self.audio(audio), self.video(video)
        told_audio = audio + _attend(of_audio[0], of_video, video_mask)
        told_video = video + _attend(of_video[0], of_audio, audio_mask)
        if self.own == "attention":
            told_audio = told_audio + _attend(of_audio[0], of_audio, audio_mask)
            told_video = told_video + _attend(of_video[0], of_video, video_mask)
        return told_audio, told_video


class _Projections(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.query(tokens), self.key(tokens), self.value(tokens)


class _Pair(nn.Module):
    """The same kind of block for each modality, in step: neither sees the other's new value."""

    def __init__(self, audio: nn.Module, video: nn.Module) -> None:
        super().__init__()
        self.audio, self.video = audio, video

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        return self.audio(audio, video, video_mask), self.video(video, audio, audio_mask)


def _attend(query: Tensor, asked: tuple[Tensor, Tensor, Tensor], asked_mask: Tensor) -> Tensor:
    _, key, value = asked
    return masked_attention(query[:, None], key[:, None], value[:, None], asked_mask)[:, 0]
