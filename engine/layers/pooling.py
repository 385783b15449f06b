"""Mean over the real items of a padded sequence."""

from torch import Tensor


def masked_mean(items: Tensor, mask: Tensor) -> Tensor:
    """Mean of `items` `[B, T, d]` where `mask` `[B, T]` is True: `[B, d]`, and 0 for a row without any real item."""
    real = mask.unsqueeze(-1)
    total = items.masked_fill(~real, 0).sum(dim=1)
    return total / real.sum(dim=1).clamp(min=1).to(items.dtype)
