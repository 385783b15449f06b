"""A linear layer over a padded sequence."""

from torch import Tensor, nn


def masked_projection(linear: nn.Linear, tokens: Tensor, mask: Tensor) -> Tensor:
    """`[B, T, d]` of tokens `[B, T, D]`, mask `[B, T]`; 0 where there is padding, whatever the padding holds."""
    padding = ~mask[..., None]
    projected: Tensor = linear(tokens.masked_fill(padding, 0))
    return projected.masked_fill(padding, 0)
