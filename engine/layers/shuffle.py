"""ShuffleNet V2's unit (Ma et al., ECCV 2018): half of the channels pass, half are convolved, and they mix."""

import torch
from torch import Tensor, nn


class ShuffleUnit(nn.Module):
    """Maps of `before` channels to `after`; with stride 2 both halves are convolved and the sides shrink by 2."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        half = after // 2
        self.stride = stride
        if stride > 1:
            self.passing = nn.Sequential(*depthwise(before, before, stride=stride), *pointwise(before, half))
        self.convolved = nn.Sequential(
            *pointwise(before if stride > 1 else half, half),
            *depthwise(half, half, stride=stride),
            *pointwise(half, half),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, before, H, W]` to `[N, after, H / stride, W / stride]`, rounded up."""
        if self.stride > 1:
            halves = self.passing(maps), self.convolved(maps)
        else:
            kept, changed = maps.chunk(2, dim=1)
            halves = kept, self.convolved(changed)
        return torch.stack(halves, dim=2).flatten(1, 2)


def pointwise(before: int, after: int) -> tuple[nn.Module, ...]:
    """1x1 convolution, batch normalisation, ReLU."""
    return nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()


def depthwise(before: int, after: int, *, stride: int) -> tuple[nn.Module, ...]:
    """3x3 convolution of every channel alone, to `after / before` channels each, and batch normalisation."""
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, groups=before, bias=False)
    return convolution, nn.BatchNorm2d(after)
