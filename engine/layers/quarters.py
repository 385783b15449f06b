"""A map's four quarters side by side as channels: one grouped convolution sees each with weights of its own."""

import torch
from torch import Tensor


def apart(maps: Tensor) -> Tensor:
    """Maps `[N, C, H, W]` of even sides to `[N, 4 C, H / 2, W / 2]`: the upper two, the lower two, left first."""
    upper, lower = maps.chunk(2, dim=2)
    return torch.cat((*upper.chunk(2, dim=3), *lower.chunk(2, dim=3)), dim=1)


def together(quarters: Tensor) -> Tensor:
    """What `apart` took apart: `[N, 4 C, H, W]` to `[N, C, 2 H, 2 W]`."""
    left_up, right_up, left_down, right_down = quarters.chunk(4, dim=1)
    upper, lower = torch.cat((left_up, right_up), dim=3), torch.cat((left_down, right_down), dim=3)
    return torch.cat((upper, lower), dim=2)
