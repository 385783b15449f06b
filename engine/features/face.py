"""The face encoder: a small convolutional network on grey crops, whose tokens are the cells of its last map."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.layers.layout import channels_together

SIDE = 48
"""The network sees faces of this many pixels, the size of FER2013's."""

_LUMA = (0.299, 0.587, 0.114)
_SPREAD_FLOOR = 0.02


class FaceEncoder(nn.Module):
    """Face crops to tokens: `cells` cells of every frame, in order of time.

    Each stage is convolutions of one width, the later ones residual, and a halving of the sides. Frames do not see
    each other, so padding cannot reach a real token; brightness and contrast of a crop make no difference.
    """

    luma: Tensor

    def __init__(self, *, channels: Sequence[int], depths: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        stages: list[nn.Module] = []
        before = 1
        for channel, depth in zip(channels, depths, strict=True):
            inner = (before, *[channel] * (depth - 1))
            stages.append(nn.Sequential(*(_Convolution(a, channel) for a in inner)))
            before = channel
        self.stages = nn.ModuleList(stages)
        self.cells = (SIDE // 2 ** len(channels)) ** 2
        self.project = nn.Linear(before, width)
        # Channels that lie together take two thirds of the time.
        channels_together(self.stages)
        self.register_buffer("luma", torch.tensor(_LUMA), persistent=False)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, F * cells, width]` and their mask."""
        grey = torch.einsum("bfchw,c->bfhw", inputs, self.luma).flatten(0, 1)
        if grey.shape[-1] != SIDE and len(grey):
            grey = F.interpolate(grey[:, None], size=(SIDE, SIDE), mode="bilinear", antialias=True)[:, 0]
        tokens = self.encode(grey[:, :SIDE, :SIDE]).view(len(mask), mask.shape[1] * self.cells, self.width)
        token_mask = mask.repeat_interleave(self.cells, dim=1)
        return torch.where(token_mask[:, :, None], tokens, 0.0), token_mask

    def encode(self, grey: Tensor) -> Tensor:
        """Grey faces `[N, SIDE, SIDE]` of any range to cells `[N, cells, width]`."""
        centred = grey - grey.mean(dim=(1, 2), keepdim=True)
        spread = centred.square().mean(dim=(1, 2), keepdim=True).sqrt()
        maps = (centred / spread.clamp(min=_SPREAD_FLOOR))[:, None]
        for stage in self.stages:
            maps = F.max_pool2d(stage(maps), 2)
        cells: Tensor = self.project(maps.flatten(2).transpose(1, 2))
        return cells


class _Convolution(nn.Module):
    """3x3 convolution, batch normalisation, ReLU; residual where the width stays."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.residual = before == after

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, before, H, W]` to `[N, after, H, W]`."""
        after = self.norm(self.convolution(maps))
        return F.relu(after + maps if self.residual else after)
