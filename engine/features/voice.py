"""The voice encoder: a small convolutional network over log-mel, one token every few frames."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.spectral import LogMel

_SPREAD_FLOOR_DB = 1.0


class VoiceEncoder(nn.Module):
    """Waveforms to tokens; what a recording's gain is makes no difference.

    Each block is a 3x3 convolution, batch normalisation (running statistics at inference), ReLU and a 2x2 maximum; at
    the end each token sees two neighbours on either side. Padded frames are zero before every convolution and every
    maximum, so padding never reaches a real token.
    """

    def __init__(self, *, spectrum: LogMel, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.spectrum = spectrum
        sides = list(zip((1, *channels[:-1]), channels, strict=True))
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in sides)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in sides)
        bands = spectrum.width // 2 ** len(channels)
        self.project = nn.Linear(channels[-1] * bands, width)
        self.context = nn.Conv1d(width, width, 5, padding=2)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to tokens `[B, T, width]` and the mask `[B, T]`."""
        decibels, frame_mask = self.spectrum.extract(inputs, mask)
        return self.encode(standardise(decibels, frame_mask), frame_mask)

    def encode(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised log-mel `[B, T, M]` and its mask to tokens and theirs, `T / 2 ** blocks` rounded up."""
        maps = frames[:, None]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            maps = F.relu(norm(convolution(maps)))
            maps = maps * mask[:, None, :, None]
            # After ReLU a row of zeros changes no maximum: an odd last frame keeps its token.
            maps = F.max_pool2d(F.pad(maps, (0, 0, 0, maps.shape[2] % 2)), 2)
            mask = mask[:, ::2]
        tokens = self.project(maps.permute(0, 2, 1, 3).flatten(2))
        real = mask[:, :, None]
        around = self.context((tokens * real).transpose(1, 2)).transpose(1, 2)
        return (tokens + F.relu(around)) * real, mask


def standardise(decibels: Tensor, mask: Tensor) -> Tensor:
    """Log-mel `[B, T, M]` with mean 0 and spread 1 over each item's real values, 0 on padding."""
    real = mask[:, :, None].to(decibels.dtype)
    count = (real.sum(dim=(1, 2), keepdim=True) * decibels.shape[2]).clamp(min=1)
    centred = (decibels - (decibels * real).sum(dim=(1, 2), keepdim=True) / count) * real
    spread = (centred.square().sum(dim=(1, 2), keepdim=True) / count).sqrt()
    return centred / spread.clamp(min=_SPREAD_FLOOR_DB)
