"""EfficientFace: a light ShuffleNet V2 with an eye for the four quarters of a face.

Zhao, Liu and Zhou, "Robust Lightweight Facial Expression Recognition Network with Label Distribution Training",
AAAI 2021: 1.28 million parameters, 154 million multiplications at 224 pixels, RAF-DB 88.36.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.crops import averaged, framed, normalised, placed
from engine.layers.quarters import apart, together
from engine.layers.shuffle import ShuffleUnit, depthwise, pointwise

WIDTH = 1024
_STEM = 29
_STAGES = ((116, 4), (232, 8), (464, 4))
_SQUEEZE = 16
_DILATION = 4


@dataclass(frozen=True, slots=True)
class EfficientFaceOutput:
    """What the network says of N pictures."""

    logits: Tensor
    """`[N, classes]`"""
    features: Tensor
    """`[N, 1024]`"""


class EfficientFace(nn.Module):
    """The network: after the first stage, modulated global features and the features of the quarters are added.

    The paper draws the modulator as a channel and a spatial gate one after the other and leaves their sizes open:
    here they are the gates of the bottleneck attention module (Park et al., BMVC 2018), squeezed 16 times, the spatial
    one dilated by 4. The first convolution has 29 channels, as in the authors' model; the paper says 24.
    Sides are multiples of `4 * stem_stride`, so that the quarters' maps meet.
    """

    features = WIDTH

    def __init__(self, *, classes: int = 7, stem_stride: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, _STEM, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(_STEM), nn.ReLU()
        )
        self.pool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1) if stem_stride == 4 else nn.Identity()
        before, stages = _STEM, []
        for after, units in _STAGES:
            rest = (ShuffleUnit(after, after, stride=1) for _ in range(units - 1))
            stages.append(nn.Sequential(ShuffleUnit(before, after, stride=2), *rest))
            before = after
        self.first, self.second, self.third = stages
        self.local = _Quarters(_STEM, _STAGES[0][0])
        self.modulator = _Modulator(_STAGES[0][0])
        self.last = nn.Sequential(*pointwise(before, WIDTH))
        self.classifier = nn.Linear(WIDTH, classes)

    def forward(self, pictures: Tensor) -> EfficientFaceOutput:
        """Normalised pictures `[N, 3, S, S]` to logits and features."""
        maps = self.pool(self.stem(pictures))
        maps = self.modulator(self.first(maps)) + self.local(maps)
        features = self.last(self.third(self.second(maps))).mean(dim=(2, 3))
        return EfficientFaceOutput(logits=self.classifier(features), features=features)


class EfficientFaceEncoder(nn.Module):
    """Face crops to one token a frame: the network's 1024 features.

    mirrored: the mean of those of a picture and of its mirror image.
    """

    def __init__(self, *, side: int, crop: int, grey: bool, mirrored: bool, stem_stride: int) -> None:
        super().__init__()
        self.width = WIDTH
        self.side = side
        self.crop = crop
        self.grey = grey
        self.mirrored = mirrored
        self.network = EfficientFace(stem_stride=stem_stride)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, F, 1024]` and the mask."""
        pictures = normalised(framed(inputs[mask], side=self.side, crop=self.crop), grey=self.grey)
        return placed(self._seen(pictures)[:, None], mask)

    def classify(self, pictures: Tensor) -> Tensor:
        """Logits `[N, 7]` of normalised pictures `[N, 3, S, S]`, from what the tokens are."""
        logits: Tensor = self.network.classifier(self._seen(pictures))
        return logits

    def _seen(self, pictures: Tensor) -> Tensor:
        return averaged(lambda some: self.network(some).features, pictures, mirrored=self.mirrored)


class _Quarters(nn.Module):
    """The local feature extractor: each quarter of the map under two depthwise convolutions of its own."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *depthwise(4 * before, 4 * after, stride=2),
            nn.ReLU(),
            *depthwise(4 * after, 4 * after, stride=1),
            nn.ReLU(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, before, H, W]` to `[N, after, H / 2, W / 2]`."""
        return together(self.convolutions(apart(maps)))


class _Modulator(nn.Module):
    """The channel-spatial modulator: what counts, and then where."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // _SQUEEZE
        self.channels = nn.Sequential(
            nn.Linear(width, inner), nn.BatchNorm1d(inner), nn.ReLU(), nn.Linear(inner, width)
        )
        around = []
        for _ in range(2):
            around += [
                nn.Conv2d(inner, inner, 3, padding=_DILATION, dilation=_DILATION),
                nn.BatchNorm2d(inner),
                nn.ReLU(),
            ]
        self.places = nn.Sequential(
            nn.Conv2d(width, inner, 1), nn.BatchNorm2d(inner), nn.ReLU(), *around, nn.Conv2d(inner, 1, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, width, H, W]`, gated."""
        maps = maps * F.sigmoid(self.channels(maps.mean(dim=(2, 3))))[:, :, None, None]
        gated: Tensor = maps * F.sigmoid(self.places(maps))
        return gated
