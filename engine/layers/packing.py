"""The real items of a padded batch, moved together."""

import torch
from torch import Tensor


def packed(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's real tokens first, in their order, and 0 behind them.

    tokens `[B, T, d]`, mask `[B, T]` with gaps anywhere: `[B, T, d]` and the mask `[B, T]` without gaps.
    """
    order = mask.int().argsort(dim=1, descending=True, stable=True)
    moved = tokens.gather(1, order[..., None].expand_as(tokens))
    there = torch.arange(mask.shape[1], device=mask.device) < mask.sum(dim=1, keepdim=True)
    return moved.masked_fill(~there[..., None], 0), there
