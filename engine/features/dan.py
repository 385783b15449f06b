"""DAN: a ResNet-18 whose last map four attention heads look at, each elsewhere.

Wen et al., "Distract Your Attention: Multi-head Cross Attention Network for Facial Expression Recognition",
Biomimetics 2023: 19.72 million parameters, RAF-DB 89.70, AffectNet-8 62.09, AffectNet-7 65.69.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.crops import averaged, framed, normalised, placed
from engine.features.precision import Precision, computing
from engine.layers.residual import WIDTH, ResNet18

_INNER = 256
_SQUEEZED = 32


@dataclass(frozen=True, slots=True)
class DanOutput:
    """What the network says of N pictures."""

    logits: Tensor
    """`[N, classes]`"""
    features: Tensor
    """`[N, 512]`, the trunk's mean over its map: what the affinity loss gathers around class centres."""
    heads: Tensor
    """`[N, heads, 512]`, what each head saw, as a log-softmax over the heads: what the partition loss pulls apart."""


class Dan(nn.Module):
    """The network as published: feature clustering (the trunk), multi-head attention, attention fusion."""

    features = WIDTH

    def __init__(self, *, classes: int = 7, heads: int = 4, stem_stride: int = 4) -> None:
        super().__init__()
        self.trunk = ResNet18(stem_stride=stem_stride)
        self.heads = nn.ModuleList(_Head() for _ in range(heads))
        self.classifier = nn.Linear(WIDTH, classes)
        self.norm = nn.BatchNorm1d(classes)

    def forward(self, pictures: Tensor) -> DanOutput:
        """Normalised pictures `[N, 3, S, S]` to what the losses and the classifier want."""
        maps = self.trunk(pictures)
        heads = torch.stack([head(maps) for head in self.heads], dim=1)
        if len(self.heads) > 1:
            heads = heads.float().log_softmax(dim=1)
        logits = self.norm(self.classifier(fused(heads)))
        return DanOutput(logits=logits, features=maps.mean(dim=(2, 3)), heads=heads)


def fused(heads: Tensor) -> Tensor:
    """What the heads say together `[N, 512]`: their sum."""
    return heads.sum(dim=1)


class DanEncoder(nn.Module):
    """Face crops to one token a frame.

    A token is the fused 512 numbers of the network, of mean 0 and spread 1 over themselves, under a linear map to
    `width`. That map begins as an isometry (orthonormal columns): it loses nothing, and it has nothing to learn from
    the faces alone; what is trained on top may train it. `mirrored`: the 512 numbers are the mean of what the network
    sees in a picture and in its mirror image.
    """

    def __init__(
        self,
        *,
        side: int,
        crop: int,
        grey: bool,
        mirrored: bool,
        heads: int,
        stem_stride: int,
        width: int,
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        self.width = width
        self.side = side
        self.crop = crop
        self.grey = grey
        self.mirrored = mirrored
        self.precision = precision
        self.network = Dan(heads=heads, stem_stride=stem_stride)
        self.project = nn.Linear(WIDTH, width, bias=False)
        nn.init.orthogonal_(self.project.weight)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, F, width]` and the mask."""
        pictures = normalised(framed(inputs[mask], side=self.side, crop=self.crop), grey=self.grey)
        return placed(self.project(F.layer_norm(self._seen(pictures), (WIDTH,)))[:, None], mask)

    def classify(self, pictures: Tensor) -> Tensor:
        """Logits `[N, 7]` of normalised pictures `[N, 3, S, S]`, from what the tokens are made of."""
        logits: Tensor = self.network.norm(self.network.classifier(self._seen(pictures)))
        return logits

    def _seen(self, pictures: Tensor) -> Tensor:
        with computing(self.precision, pictures.device):
            return averaged(lambda some: fused(self.network(some).heads).float(), pictures, mirrored=self.mirrored)


class _Head(nn.Module):
    """Spatial attention and then channel attention over one map, to one vector."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = _normed(WIDTH, _INNER, (1, 1))
        self.around = nn.ModuleList(_normed(_INNER, WIDTH, sides) for sides in ((3, 3), (1, 3), (3, 1)))
        self.channels = nn.Sequential(
            nn.Linear(WIDTH, _SQUEEZED),
            nn.BatchNorm1d(_SQUEEZED),
            nn.ReLU(),
            nn.Linear(_SQUEEZED, WIDTH),
            nn.Sigmoid(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, 512, H, W]` to `[N, 512]`."""
        inner = self.reduce(maps)
        where = F.relu(torch.stack([convolve(inner) for convolve in self.around]).sum(dim=0))
        seen = (maps * where.sum(dim=1, keepdim=True)).mean(dim=(2, 3))
        gated: Tensor = seen * self.channels(seen)
        return gated


def _normed(before: int, after: int, sides: tuple[int, int]) -> nn.Sequential:
    padding = (sides[0] // 2, sides[1] // 2)
    convolution = nn.Conv2d(before, after, sides, padding=padding)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(after))
