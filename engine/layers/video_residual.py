"""18-layer residual networks over clips: R(2+1)D and R3D (Tran et al., CVPR 2018)."""

import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 512
"""Channels of the last map."""

_STAGES = (64, 128, 256, WIDTH)
# The middle of the stem's two convolutions, as in the authors' code; the paper's equation would make it 83.
_STEM_MIDDLE = 45


class VideoResNet18(nn.Module):
    """The trunk without its classifier: clips `[N, 3, T, H, W]` to `[N, 512, T / 8, H / 16, W / 16]`, rounded up.

    `factorised` makes every 3x3x3 convolution one over space and one over time with a ReLU between them: R(2+1)D;
    otherwise it is R3D. The middle has as many channels as keep a block's parameters those of R3D (the paper's
    equation for M_i), worked out once a block from its first convolution, as torchvision does: 31.5 M in all. Worked
    out for each convolution it gives 33.4 M; the paper says 33.3 M. Tensors are named as torchvision names them, so
    its weights load.
    """

    def __init__(self, *, factorised: bool) -> None:
        super().__init__()
        self.stem = _factorised_stem() if factorised else _plain_stem()
        self.layer1 = _stage(_STAGES[0], _STAGES[0], stride=1, factorised=factorised)
        self.layer2 = _stage(_STAGES[0], _STAGES[1], stride=2, factorised=factorised)
        self.layer3 = _stage(_STAGES[1], _STAGES[2], stride=2, factorised=factorised)
        self.layer4 = _stage(_STAGES[2], _STAGES[3], stride=2, factorised=factorised)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, clips: Tensor) -> Tensor:
        """Clips to maps, as above."""
        last: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(clips)))))
        return last


class _Block(nn.Module):
    """Two convolutions around a shortcut, which is a 1x1x1 convolution where sizes differ."""

    def __init__(self, before: int, after: int, *, stride: int, factorised: bool) -> None:
        super().__init__()
        middle = before * after * 27 // (before * 9 + 3 * after) if factorised else None
        self.conv1 = nn.Sequential(_convolution(before, after, middle, stride), nn.BatchNorm3d(after), nn.ReLU())
        self.conv2 = nn.Sequential(_convolution(after, after, middle, 1), nn.BatchNorm3d(after))
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv3d(before, after, 1, stride=stride, bias=False), nn.BatchNorm3d(after)
            )

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(maps)) + self.downsample(maps))


def _stage(before: int, after: int, *, stride: int, factorised: bool) -> nn.Sequential:
    return nn.Sequential(
        _Block(before, after, stride=stride, factorised=factorised),
        _Block(after, after, stride=1, factorised=factorised),
    )


def _convolution(before: int, after: int, middle: int | None, stride: int) -> nn.Module:
    if middle is None:
        return nn.Conv3d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(
        nn.Conv3d(before, middle, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(),
        nn.Conv3d(middle, after, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False),
    )


def _factorised_stem() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, _STEM_MIDDLE, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
        nn.BatchNorm3d(_STEM_MIDDLE),
        nn.ReLU(),
        nn.Conv3d(_STEM_MIDDLE, _STAGES[0], (3, 1, 1), padding=(1, 0, 0), bias=False),
        nn.BatchNorm3d(_STAGES[0]),
        nn.ReLU(),
    )


def _plain_stem() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, _STAGES[0], (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
        nn.BatchNorm3d(_STAGES[0]),
        nn.ReLU(),
    )
