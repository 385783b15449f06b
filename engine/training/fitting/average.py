"""The moving average of weights over the steps."""

from collections.abc import Mapping

import torch
from torch import Tensor


@torch.no_grad()
def follow(averages: Mapping[str, Tensor], tensors: Mapping[str, Tensor], *, share: float, steps_done: int) -> None:
    """Move the averages, in their place, to the tensors after that many steps; `share` of them stays.

    A young average is mostly the beginning, so it follows more closely at first. What is no floating point is copied.
    """
    kept = min(share, (1 + steps_done) / (10 + steps_done))
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            averages[name].lerp_(tensor, 1 - kept)
        else:
            averages[name].copy_(tensor)
