"""Two padded sequences of different rates on one time axis, by linear interpolation over their real tokens."""

import torch
from torch import Tensor


def resample(tokens: Tensor, mask: Tensor, *, length: Tensor | int) -> tuple[Tensor, Tensor]:
    """Each row's real tokens, read at `length` points spread evenly from its first to its last.

    tokens `[B, T, d]`, mask `[B, T]` with the real tokens first; length: one number, or one a row `[B]`. Returns
    `[B, L, d]` and its mask `[B, L]`, L the largest length; rows without a real token stay absent and 0.
    A row that has as many tokens as asked for stays as it is.
    """
    count = mask.sum(dim=1)
    wanted = torch.as_tensor(length, device=tokens.device).expand(len(tokens))
    longest = int(wanted.max()) if len(tokens) else 0
    steps = torch.arange(longest, device=tokens.device)
    span = (count - 1).clamp(min=0)
    place = steps[None, :] * (span.double() / (wanted - 1).clamp(min=1))[:, None]
    place = torch.minimum(place, span[:, None].double())
    before = place.floor().long()
    after = torch.minimum(before + 1, span[:, None])
    share = (place - before)[..., None].to(tokens.dtype)
    kept = (steps[None, :] < wanted[:, None]) & (count > 0)[:, None]
    clean = tokens.masked_fill(~mask[..., None], 0)
    result = _take(clean, before) * (1 - share) + _take(clean, after) * share
    return result.masked_fill(~kept[..., None], 0), kept


def _take(tokens: Tensor, index: Tensor) -> Tensor:
    if tokens.shape[1] == 0:
        return tokens.new_zeros(*index.shape, tokens.shape[2])
    return tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[2]))
