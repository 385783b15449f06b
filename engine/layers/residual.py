"""ResNet-18's trunk: eight basic blocks over a stem, one map out."""

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 512
"""Channels of the last map."""

_STAGES = (64, 128, 256, WIDTH)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al., CVPR 2016), which is a 1x1 convolution where sizes differ."""

    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, before, H, W]` to `[N, after, H / stride, W / stride]`, rounded up."""
        inner = F.relu(self.bn1(self.conv1(maps)))
        return F.relu(self.bn2(self.conv2(inner)) + self.downsample(maps))


class ResNet18(nn.Module):
    """The trunk without its pooling and its classifier: pictures `[N, channels, H, W]` to maps of 512 channels.

    `stem_stride` is how much the stem shrinks its input: 4 as published (a 7x7 convolution of stride 2 and a maximum
    of stride 2), 2 without the maximum, which fits pictures of about 48 to 112 pixels; the blocks shrink by 8 more.
    Tensors are named as torchvision names them, so its weights load.
    """

    def __init__(self, *, channels: int = 3, stem_stride: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, _STAGES[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(_STAGES[0])
        self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1) if stem_stride == 4 else nn.Identity()
        self.layer1 = _stage(_STAGES[0], _STAGES[0], stride=1)
        self.layer2 = _stage(_STAGES[0], _STAGES[1], stride=2)
        self.layer3 = _stage(_STAGES[1], _STAGES[2], stride=2)
        self.layer4 = _stage(_STAGES[2], _STAGES[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures `[N, channels, H, W]` to maps `[N, 512, H / (8 stem_stride), W / (8 stem_stride)]`, rounded up."""
        maps = self.maxpool(F.relu(self.bn1(self.conv1(pictures))))
        last: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return last


def _stage(before: int, after: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(before, after, stride=stride), BasicBlock(after, after))
