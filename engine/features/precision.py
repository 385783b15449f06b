"""How exactly an encoder's network computes: in float32, or in bfloat16 where that pays."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["float32", "bfloat16"]


def computing(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Products and convolutions in it run in bfloat16 if that is said, and else as they did outside."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
