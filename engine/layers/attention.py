"""Scaled dot-product attention over padded keys."""

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, key_mask: Tensor, *, scale: float | None = None
) -> Tensor:
    """Attend over the real keys only; the result of a row without any real key is 0, its gradient too.

    query `[B, H, Tq, c]`, key and value `[B, H, Tk, c]`, key_mask `[B, Tk]` (True = real); H heads; the products are
    multiplied by `scale`, `1 / sqrt(c)` by default.
    Returns `[B, H, Tq, c]`. Padded values must be finite.
    """
    has_key = key_mask.any(dim=1)
    # A softmax over nothing is 0 / 0 in some kernels, so such a row attends to its padding and is set to 0 after.
    attended = key_mask | ~has_key[:, None]
    result = scaled_dot_product_attention(query, key, value, attn_mask=attended[:, None, None, :], scale=scale)
    return result * has_key[:, None, None, None].to(result.dtype)
