"""How ATTSF-Net joins a branch of the main network with the auxiliary network of the same modality (section III-F)."""

from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from engine.errors import ConfigurationError

_LEAST = 1e-24  # under the root: the norm of a zero vector has no gradient


class Join(Protocol):
    """A torch module that makes one feature of two."""

    def __call__(self, main: Tensor, own: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features `[B, d]` to `[B, d]` and the main network's weight `[B]`, where there is one."""
        ...


class Sum(nn.Module):
    """`attsf`: the sum (eq. 19)."""

    def forward(self, main: Tensor, own: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Join`; no weights."""
        return main + own, None


class Norms(nn.Module):
    """`attsf-l2`: each weighed by its L2 norm (eqs 20, 21); of nothing and nothing, halves."""

    def forward(self, main: Tensor, own: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Join`."""
        of_main, of_own = _norm(main), _norm(own)
        weight = of_main / (of_main + of_own)
        return weight * main + (1 - weight) * own, weight[:, 0]


class LearningLayer(nn.Module):
    """`attsf-gat`: a linear layer over both says the weights; output 0 is the unimodal feature's, the paper's order."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(2 * width, 2)

    def forward(self, main: Tensor, own: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `Join`."""
        weights = self.weigh(torch.cat([main, own], dim=-1)).softmax(-1)
        return weights[:, 1:] * main + weights[:, :1] * own, weights[:, 1]


def joining(name: Literal["sum", "l2", "gat"], *, width: int) -> "Sum | Norms | LearningLayer":
    """The way to join of this name; d is `width`."""
    if name == "sum":
        return Sum()
    if name == "l2":
        return Norms()
    if name == "gat":
        return LearningLayer(width=width)
    raise ConfigurationError(f"no such way to join: {name!r}; there are sum, l2 and gat")


def _norm(feature: Tensor) -> Tensor:
    return (feature.square().sum(-1, keepdim=True) + _LEAST).sqrt()
