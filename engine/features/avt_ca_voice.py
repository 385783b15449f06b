"""AVT-CA's way in for the voice: cepstral coefficients under blocks of convolution over time.

Venkatraman et al., "Multimodal Emotion Recognition using Audio-Video Transformer Fusion with Cross Attention", section
III-A-1, eqs 1a-1d.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.cepstra import Cepstra
from engine.layers.normalisation import MaskedBatchNorm

_POOL = 2


class AvtCaVoice(nn.Module):
    """Waveforms to one token every `2 ** blocks` frames; a block for every number of `channels`.

    Readings: the convolutions keep the length (the paper's result has T / p steps), p is 2, and where p does not divide
    the length the last step is kept.
    """

    def __init__(self, *, cepstra: Cepstra, channels: Sequence[int]) -> None:
        super().__init__()
        self.width = channels[-1]
        self.cepstra = cepstra
        sides = zip((cepstra.width, *channels[:-1]), channels, strict=True)
        self.blocks = nn.ModuleList(ConvolutionBlock(before, after) for before, after in sides)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to tokens `[B, T, width]` and the mask `[B, T]`."""
        return self.encode(*self.cepstra(inputs, mask))

    def encode(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients `[B, T, C]`, 0 at padding, and their mask to tokens and theirs."""
        for block in self.blocks:
            frames, mask = block(frames, mask)
        return frames, mask


class ConvolutionBlock(nn.Module):
    """Convolution of 3 steps, batch normalisation, ReLU, the larger of every 2 steps (eqs 1a-1d)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(before, after, 3, padding=1, bias=False)
        self.norm = MaskedBatchNorm(after)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, T, before]`, 0 at padding, and mask `[B, T]` to `[B, T / 2, after]`, 0 at padding, and its mask."""
        seen = F.relu(self.norm(self.convolution(frames.transpose(1, 2)).transpose(1, 2), mask))
        # After ReLU a step of zeros changes no maximum: an odd last step keeps its token.
        filled = F.pad(seen, (0, 0, 0, -seen.shape[1] % _POOL))
        return F.max_pool1d(filled.transpose(1, 2), _POOL).transpose(1, 2), mask[:, ::_POOL]
