"""Mean over the real items of a padded sequence."""

from torch import Tensor


def masked_mean(items: Tensor, mask: Tensor) -> Tensor:
    """Mean of `items` `[B, T, d]` where `mask` `[B, T]` is True: `[B, d]`, and 0 for a row without any real item."""
    real = mask.unsqueeze(-1)
    total = items.masked_fill(~real, 0).sum(dim=1)
    return total / real.sum(dim=1).clamp(min=1).to(items.dtype)


def masked_max(items: Tensor, mask: Tensor) -> Tensor:
    """Largest value of each feature of `items` `[B, T, d]` where `mask` `[B, T]` is True: `[B, d]`, 0 without any."""
    if items.shape[1] == 0:
        return items.new_zeros(items.shape[0], items.shape[2])
    has_any = mask.any(dim=1, keepdim=True)
    # A row without a real item is read whole and set to 0 after: minus infinity would make its gradient NaN.
    hidden = ~mask & has_any
    largest = items.masked_fill(hidden[..., None], float("-inf")).amax(dim=1)
    return largest.masked_fill(~has_any, 0)
