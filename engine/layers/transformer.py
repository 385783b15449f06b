"""A transformer encoder's block over a padded sequence: self-attention and feed-forward, LayerNorm after each."""

from torch import Tensor, nn
from torch.nn.functional import relu

from engine.layers.multihead import MultiHead


class TransformerBlock(nn.Module):
    """`x = LN(x + MultiHead(x))`, then `LN(x + FFN(x))`; ReLU, biases everywhere (post-norm, Vaswani et al.)."""

    def __init__(self, *, width: int, heads: int, feed_forward_width: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHead(width=width, heads=heads, bias=True)
        self.attention_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward_width)
        self.narrow = nn.Linear(feed_forward_width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens `[B, T, d]`, mask `[B, T]` (True = real): `[B, T, d]`; what stands at padding means nothing."""
        tokens = self.attention_norm(tokens + self.dropout(self.attention(tokens, tokens, mask)))
        wide = self.dropout(relu(self.widen(tokens)))
        result: Tensor = self.feed_forward_norm(tokens + self.dropout(self.narrow(wide)))
        return result
