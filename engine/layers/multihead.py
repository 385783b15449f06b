"""Multi-head attention of one padded sequence over another."""

from torch import Tensor, nn

from engine.layers.attention import masked_attention


class MultiHead(nn.Module):
    """`h` heads over `d` features; head k owns the columns `[k d/h, (k + 1) d/h)`, scale `sqrt(d / h)`.

    `project` is the matrix after the heads; without it the heads' results stand side by side as they are.
    """

    def __init__(self, *, width: int, heads: int, bias: bool, project: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(width, width, bias=bias)
        self.value = nn.Linear(width, width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias) if project else nn.Identity()

    def forward(self, asking: Tensor, asked: Tensor, asked_mask: Tensor) -> Tensor:
        """Tokens `[B, Tq, d]` that ask `[B, Tk, d]`, mask `[B, Tk]`: `[B, Tq, d]`; nobody to ask adds nothing.

        Without any real key the result is 0, the output's bias included.
        """
        query, key, value = (
            self._split(self.query(asking)),
            self._split(self.key(asked)),
            self._split(self.value(asked)),
        )
        told = masked_attention(query, key, value, asked_mask).transpose(1, 2).flatten(2)
        result: Tensor = self.out(told) * asked_mask.any(dim=1)[:, None, None].to(told.dtype)
        return result

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:-1], self.heads, tokens.shape[-1] // self.heads).transpose(1, 2)
