"""How the numbers of a convolution lie in memory."""

import torch
from torch import nn


def channels_together(module: nn.Module) -> None:
    """Lay every two-dimensional convolution of the module out with its channels side by side, which is faster."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
