"""Clips of a few face crops as one token each, by an 18-layer residual network over space and time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.precision import Precision, computing
from engine.layers.video_residual import WIDTH, VideoResNet18

# Kinetics-400's, on which the public weights were trained.
_MEAN = (0.43216, 0.394666, 0.37645)
_SPREAD = (0.22803, 0.22145, 0.216989)


class ClipEncoder(nn.Module):
    """Face crops to one token every `frames` real crops; the last clip is filled with its last crop, standing still.

    Crops are brought to `side` pixels, whatever their size. The public networks read 8 crops of 112 pixels.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, *, trunk: VideoResNet18, frames: int, side: int, precision: Precision = "float32") -> None:
        super().__init__()
        self.width = WIDTH
        self.trunk = trunk
        self.frames = frames
        self.side = side
        self.precision = precision
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(_SPREAD)[:, None, None], persistent=False)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Crops `[B, F, 3, S, S]` in [0, 1] and mask `[B, F]` to tokens `[B, C, 512]`, a clip each, and their mask."""
        count = mask.sum(dim=1)
        clips = -(-count // self.frames)
        most = int(clips.max()) if len(clips) else 0
        token_mask = torch.arange(most, device=mask.device) < clips[:, None]
        tokens = inputs.new_zeros(len(mask), most, self.width)
        if most:
            tokens[token_mask] = self.encode(self._clips(inputs, mask, token_mask)).to(tokens.dtype)
        return tokens, token_mask

    def encode(self, clips: Tensor) -> Tensor:
        """Clips `[N, frames, 3, S, S]` in [0, 1] to vectors `[N, 512]`."""
        crops = clips.flatten(0, 1)
        if crops.shape[-1] != self.side:
            crops = F.interpolate(crops, size=(self.side, self.side), mode="bilinear", antialias=True)
        crops = (crops - self.mean) / self.spread
        with computing(self.precision, crops.device):
            maps: Tensor = self.trunk(crops.view(len(clips), -1, *crops.shape[1:]).transpose(1, 2))
        return maps.float().mean(dim=(2, 3, 4))

    def _clips(self, inputs: Tensor, mask: Tensor, token_mask: Tensor) -> Tensor:
        """The real crops in order, cut into clips: `[N, frames, 3, S, S]` of all items, one after another."""
        order = mask.int().argsort(dim=1, descending=True, stable=True)
        places = torch.arange(token_mask.shape[1] * self.frames, device=mask.device)
        last = (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)
        chosen = order.gather(1, torch.minimum(places, last)).view(*token_mask.shape, self.frames)
        rows = torch.arange(len(mask), device=mask.device)[:, None, None].expand_as(chosen)
        return inputs[rows[token_mask], chosen[token_mask]]
