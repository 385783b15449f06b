"""TCA: cross-attention and self-attention of a transformer for each modality.

Parthasarathy and Sundaram, "Detecting Expressions with Multimodal Transformers"; the baseline TCA of the DCA paper.
"""

from torch import Tensor, nn

from engine.layers.multihead import MultiHead
from engine.layers.transformer import TransformerBlock


class TransformerCrossAttention(nn.Module):
    """`x1 = LN(X + MHA(X asks the other))`, then a transformer block; weights of its own a modality, one layer.

    Readings: cross before self, ReLU. Where the other modality is absent, `att = X`.
    """

    def __init__(
        self, *, audio_width: int, video_width: int, heads: int, feed_forward_width: int, dropout: float
    ) -> None:
        super().__init__()
        self.audio = _Side(audio_width, video_width, heads, feed_forward_width, dropout)
        self.video = _Side(video_width, audio_width, heads, feed_forward_width, dropout)

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, d_a]` and `[B, L, d_v]` on one axis, masks `[B, L]`."""
        return self.audio(audio, audio_mask, video, video_mask), self.video(video, video_mask, audio, audio_mask)


class _Side(nn.Module):
    def __init__(self, width: int, their_width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Identity() if their_width == width else nn.Linear(their_width, width)
        self.cross = MultiHead(width=width, heads=heads, bias=True)
        self.norm = nn.LayerNorm(width)
        self.block = TransformerBlock(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)

    def forward(self, mine: Tensor, mask: Tensor, theirs: Tensor, their_mask: Tensor) -> Tensor:
        crossed = self.norm(mine + self.cross(mine, self.enter(theirs), their_mask))
        attended: Tensor = self.block(crossed, mask)
        return attended.where(their_mask.any(dim=1)[:, None, None], mine)
