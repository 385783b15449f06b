"""AVT-CA's way in for the face: channel and spatial attention, local features of four patches, inverted residuals.

Venkatraman et al., "Multimodal Emotion Recognition using Audio-Video Transformer Fusion with Cross Attention", section
III-A-2.
"""

import torch
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.features.crops import framed, normalised, placed
from engine.layers.quarters import apart, together
from engine.layers.shuffle import depthwise, pointwise

_BLOCKS = 2


class AvtCaFace(nn.Module):
    """Face crops to one token a frame: the mean over the positions of the last map. Frames do not see each other.

    The paper gives no sizes but the patches, N = 4. Readings: the stem shrinks by `stem_stride` (4: a convolution of
    stride 2 and a maximum of 2; 2: the maximum alone); every map has `width` channels; an inverted residual block is
    MobileNetV2's, `expansion` times as wide inside.
    """

    def __init__(
        self,
        *,
        side: int,
        grey: bool,
        stem_stride: int,
        width: int,
        squeeze: int,
        expansion: int,
        channel_attention: bool,
        spatial_attention: bool,
        paper: bool,
    ) -> None:
        super().__init__()
        if side % (2 * stem_stride):
            raise CheckpointError(
                f"avt-ca-face: a side of {side} pixels cannot be cut into four equal patches behind a stem of "
                f"{stem_stride}; take a multiple of {2 * stem_stride}"
            )
        self.width = width
        self.side = side
        self.grey = grey
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=stem_stride // 2, padding=1), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.attention = MapAttention(
            width=width,
            hidden=max(1, width // squeeze),
            channel_attention=channel_attention,
            spatial_attention=spatial_attention,
            paper=paper,
        )
        self.local = LocalFeatures(width)
        self.blocks = nn.Sequential(*(InvertedResidual(width, expansion=expansion) for _ in range(_BLOCKS)))

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, F, width]` and the mask."""
        if not bool(mask.any()):
            return inputs.new_zeros(*mask.shape, self.width), mask
        pictures = normalised(framed(inputs[mask], side=self.side, crop=self.side), grey=self.grey)
        return placed(self.encode(pictures)[:, None], mask)

    def encode(self, pictures: Tensor) -> Tensor:
        """Normalised pictures `[N, 3, S, S]` to vectors `[N, width]`."""
        maps: Tensor = self.blocks(self.local(self.attention(self.stem(pictures))))
        return maps.mean(dim=(2, 3))


class MapAttention(nn.Module):
    """`V~ = V_c V_s V`: what counts among the channels and where it counts, both read off the map V itself.

    As written the weights of the positions sum to 1, so that a map of 56 x 56 is shrunk 3136 times and vanishes beside
    what is added to it later: unless `paper`, they have mean 1. Either attention may be off; its weights are then 1.
    """

    def __init__(
        self, *, width: int, hidden: int, channel_attention: bool, spatial_attention: bool, paper: bool
    ) -> None:
        super().__init__()
        self.channels = ChannelAttention(width, hidden=hidden) if channel_attention else None
        self.places = SpatialAttention(width) if spatial_attention else None
        self.paper = paper

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, C, H, W]`, weighed."""
        weighed = maps if self.channels is None else maps * self.channels(maps)[:, :, None, None]
        if self.places is None:
            return weighed
        share: Tensor = self.places(maps) * (1 if self.paper else maps.shape[2] * maps.shape[3])
        return weighed * share[:, None]


class ChannelAttention(nn.Module):
    """`V_c = sigmoid(W2 sigmoid(W1 mean(V) + b1) + b2)`; the text's two layers, not the algorithm's one."""

    def __init__(self, width: int, *, hidden: int) -> None:
        super().__init__()
        self.narrow, self.widen = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to weights `[N, C]`."""
        hidden = torch.sigmoid(self.narrow(maps.mean(dim=(2, 3))))
        return torch.sigmoid(self.widen(hidden))


class SpatialAttention(nn.Module):
    """`V_s = softmax over positions of Conv2d(V)`; 3x3, the map's size kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` to weights `[N, H, W]` that sum to 1."""
        scores: Tensor = self.score(maps)[:, 0]
        return scores.flatten(1).softmax(1).view(scores.shape)


class LocalFeatures(nn.Module):
    """`V~ + psi(o_local)`: each quarter under a depthwise-separable convolution of its own, put together, projected."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patches = nn.Sequential(
            nn.Conv2d(4 * width, 4 * width, 3, padding=1, groups=4 * width),
            nn.Conv2d(4 * width, 4 * width, 1, groups=4),
        )
        self.project = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, C, H, W]` of even sides, the same shape."""
        refined: Tensor = maps + self.project(together(self.patches(apart(maps))))
        return refined


class InvertedResidual(nn.Module):
    """Widened by 1x1, convolved channel by channel, narrowed by 1x1, and added (Sandler et al., CVPR 2018)."""

    def __init__(self, width: int, *, expansion: int) -> None:
        super().__init__()
        inner = expansion * width
        self.inside = nn.Sequential(
            *pointwise(width, inner),
            *depthwise(inner, inner, stride=1),
            nn.ReLU(),
            nn.Conv2d(inner, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps `[N, C, H, W]`, the same shape."""
        result: Tensor = maps + self.inside(maps)
        return result
