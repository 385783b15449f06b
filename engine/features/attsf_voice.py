"""ATTSF-Net's way in for the voice: cepstral coefficients as a picture under four convolutions, then an LSTM.

"ATTSF-Net: Attention-Based Similarity Fusion Network for Audio-Visual Emotion Recognition", sections III-A and III-B.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.features.cepstra import Cepstra
from engine.layers.normalisation import MaskedBatchNorm
from engine.layers.temporal import Temporal

_KERNEL = 3
_POOL = 2


class AttsfVoice(nn.Module):
    """Waveforms to tokens; a block of convolution, normalisation, ReLU and maximum for every number of `channels`.

    The convolutions are unpadded and the maximum runs over time alone: so 12 coefficients leave 4. What is too short
    for one token (46 frames, 1.4 s, at the paper's numbers) is filled up with the item's mean. The LSTM reads forward.
    """

    def __init__(self, *, cepstra: Cepstra, channels: Sequence[int], width: int) -> None:
        super().__init__()
        coefficients = cepstra.width - (_KERNEL - 1) * len(channels)
        if coefficients < 1:
            raise CheckpointError(
                f"attsf-voice: {cepstra.width} coefficients do not survive {len(channels)} unpadded convolutions; "
                f"take at least {cepstra.width - coefficients + 1}"
            )
        self.width = width
        self.cepstra = cepstra
        sides = list(zip((1, *channels[:-1]), channels, strict=True))
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, _KERNEL, bias=False) for a, b in sides)
        self.norms = nn.ModuleList(MaskedBatchNorm(b) for _, b in sides)
        self.temporal = Temporal(tokens_width=channels[-1] * coefficients, hidden=width, layers=1, causal=True)
        self.least_frames = 1
        for _ in channels:
            self.least_frames = _POOL * self.least_frames + _KERNEL - 1

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to tokens `[B, T, width]` and the mask `[B, T]`."""
        return self.encode(*self.cepstra(inputs, mask))

    def encode(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients `[B, T, C]`, 0 at padding, and their mask to tokens and theirs."""
        count = mask.sum(dim=1)
        lengths = torch.where(count > 0, count.clamp(min=self.least_frames), 0)
        maps = F.pad(frames, (0, 0, 0, max(0, self.least_frames - frames.shape[1])))[:, None]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            maps = convolution(maps)
            lengths = (lengths - (_KERNEL - 1)).clamp(min=0)
            real = torch.arange(maps.shape[2], device=mask.device) < lengths[:, None]
            maps = F.relu(norm(maps.permute(0, 2, 3, 1), real)).permute(0, 3, 1, 2)
            maps = F.max_pool2d(maps, (_POOL, 1))
            lengths = lengths // _POOL
        token_mask = torch.arange(maps.shape[2], device=mask.device) < lengths[:, None]
        return self.temporal(maps.transpose(1, 2).flatten(2), token_mask), token_mask
