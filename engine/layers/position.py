"""Where a token stands, as sines and cosines that are added to it; nothing to learn, any length."""

import torch
from torch import Tensor


def positions(length: int, width: int, *, like: Tensor) -> Tensor:
    """`[length, width]` sinusoidal embedding (Vaswani et al., section 3.5), of `like`'s type and device."""
    place = torch.arange(length, device=like.device, dtype=torch.float64)[:, None]
    feature = torch.arange(width, device=like.device)
    angle = place / 10_000 ** ((feature - feature % 2).double() / width)
    return torch.where(feature % 2 == 0, angle.sin(), angle.cos()).to(like.dtype)
