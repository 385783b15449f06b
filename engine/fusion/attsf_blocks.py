"""The blocks of ATTSF-Net: the way in, cross-multimodal (CMB), similarity-adjusting (SAB), auxiliary (AVAM)."""

from torch import Tensor, nn

from engine.layers.alignment import resample
from engine.layers.attention import masked_attention
from engine.layers.masking import masked_projection
from engine.layers.position import positions
from engine.layers.transformer import TransformerBlock


class Entrance(nn.Module):
    """Tokens of any width and rate to `length` tokens of d features, their place in time added."""

    def __init__(self, *, tokens_width: int, width: int, length: int, dropout: float) -> None:
        super().__init__()
        self.length = length
        self.project = nn.Linear(tokens_width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, T, D]`, `[B, T]` to `[B, length, d]`, `[B, length]`."""
        aligned, mask = resample(masked_projection(self.project, tokens, mask), mask, length=self.length)
        placed = aligned + positions(self.length, aligned.shape[-1], like=aligned)
        return self.dropout(placed).masked_fill(~mask[..., None], 0), mask


class Asking(nn.Module):
    """`softmax((Wq x)(Wk y)' / sqrt d) Wv y` (eq. 6): one head, no bias, no output projection."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, asking: Tensor, asked: Tensor, asked_mask: Tensor) -> Tensor:
        """`[B, Tq, d]` asks `[B, Tk, d]`: `[B, Tq, d]`, 0 where there is nobody to ask."""
        query, key, value = self.query(asking)[:, None], self.key(asked)[:, None], self.value(asked)[:, None]
        return masked_attention(query, key, value, asked_mask)[:, 0]


class CrossMultimodal(nn.Module):
    """One CMB layer: each modality asks the other (eqs 3-7), then itself (eqs 8, 9); weights of its own a branch."""

    def __init__(self, *, width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.audio, self.video = (
            _Branch(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout) for _ in range(2)
        )

    def forward(self, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `[B, l, d]` of both to `x_{a->v}` and `x_{v->a}`; neither sees the other's new value."""
        return self.audio(audio, audio_mask, video, video_mask), self.video(video, video_mask, audio, audio_mask)


class _Branch(nn.Module):
    def __init__(self, *, width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.ask = Asking(width=width)
        self.norm = nn.LayerNorm(width)
        self.block = TransformerBlock(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)

    def forward(self, mine: Tensor, mask: Tensor, theirs: Tensor, their_mask: Tensor) -> Tensor:
        result: Tensor = self.block(self.norm(mine + self.ask(mine, theirs, their_mask)), mask)
        return result


class SimilarityAdjusting(nn.Module):
    """One SAB layer: the token asks the video, what it heard asks the audio (eq. 11, no residual), eqs 12, 13.

    A modality that is absent is not asked: what was heard so far goes on.
    """

    def __init__(self, *, width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.video, self.audio = Asking(width=width), Asking(width=width)
        self.norm = nn.LayerNorm(width)
        self.block = TransformerBlock(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)

    def forward(self, token: Tensor, audio: Tensor, audio_mask: Tensor, video: Tensor, video_mask: Tensor) -> Tensor:
        """Token `[B, 1, d]`, tokens `[B, l, d]`, masks `[B, l]`: `[B, 1, d]`."""
        heard = token
        for ask, tokens, mask in ((self.video, video, video_mask), (self.audio, audio, audio_mask)):
            present = mask.any(dim=1)[:, None, None]
            heard = ask(heard, tokens, mask).where(present, heard)
        result: Tensor = self.block(self.norm(heard), mask.new_ones(len(token), 1))
        return result


class Encoder(nn.Module):
    """AVAM: a transformer encoder over one modality; without layers the tokens go through as they are."""

    def __init__(self, *, width: int, heads: int, feed_forward_width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(width=width, heads=heads, feed_forward_width=feed_forward_width, dropout=dropout)
            for _ in range(layers)
        )

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens `[B, l, d]`, mask `[B, l]`: `[B, l, d]`."""
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens
