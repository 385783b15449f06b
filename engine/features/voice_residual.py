"""The residual voice encoder: fine bands, residual blocks with weighed channels, one token every few frames."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.spectral import LogMel
from engine.features.voice import standardise

_SQUEEZE = 8
_SHORTENING = 2
_BELOW_DB = 40.0
_MARGIN = 5


class ResidualVoiceEncoder(nn.Module):
    """Waveforms to tokens; what a recording's gain is makes no difference, nor does the silence around it.

    A stem of 3 frames by 7 bands halves the bands. Before every block a maximum halves the bands again, and before the
    first two the frames as well. Padded frames are zero before every convolution and every maximum, and a block's
    channel weights come from real frames alone, so padding never reaches a real token.
    """

    def __init__(self, *, spectrum: LogMel, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.width = width
        self.spectrum = spectrum
        self.stem = nn.Conv2d(1, channels[0], (3, 7), stride=(1, 2), padding=(1, 3), bias=False)
        self.norm = nn.BatchNorm2d(channels[0])
        sides = pairwise(channels)
        self.blocks = nn.ModuleList(SqueezedBlock(before, after) for before, after in sides)
        bands = spectrum.width // 2 ** len(channels)
        self.project = nn.Linear(channels[-1] * bands, width)
        self.token_norm = nn.BatchNorm1d(width)
        self.context = nn.Conv1d(width, width, 5, padding=2)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to tokens `[B, T, width]` and the mask `[B, T]`."""
        decibels, frame_mask = without_silent_ends(*self.spectrum.extract(inputs, mask))
        return self.encode(standardise(decibels, frame_mask), frame_mask)

    def encode(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised log-mel `[B, T, M]` and its mask to tokens and theirs, `T / 4` rounded up."""
        # A maximum takes a tenth of the time when channels lie together.
        maps = self.stem(frames[:, None]).contiguous(memory_format=torch.channels_last)
        maps = F.relu(self.norm(maps)) * mask[:, None, :, None]
        for number, block in enumerate(self.blocks):
            if number < _SHORTENING:
                # After ReLU a row of zeros changes no maximum: an odd last frame keeps its token.
                maps, mask = F.pad(maps, (0, 0, 0, maps.shape[2] % 2)), mask[:, ::2]
            maps = block(F.max_pool2d(maps, (2 if number < _SHORTENING else 1, 2)), mask)
        tokens = self.project(maps.permute(0, 2, 1, 3).flatten(2)).transpose(1, 2)
        real = mask[:, None]
        tokens = F.relu(self.token_norm(tokens)) * real
        tokens = (tokens + F.relu(self.context(tokens))) * real
        return tokens.transpose(1, 2), mask


def without_silent_ends(decibels: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Log-mel `[B, T, M]` and its mask without what comes before and after any frame within 40 dB of the loudest one.

    A studio's recordings begin and end with a second of silence, a stream's turns with as much as the detector leaves:
    neither should move the mean that frames are compared with. Five frames stay on either side.
    """
    frames = torch.arange(decibels.shape[1], device=decibels.device)
    level = decibels.amax(dim=2)
    loudest = level.masked_fill(~mask, -torch.inf).amax(dim=1, keepdim=True)
    heard = mask & (level >= loudest - _BELOW_DB)
    first = (torch.where(heard, frames, len(frames)).amin(dim=1) - _MARGIN).clamp(min=0)
    last = torch.minimum(torch.where(heard, frames, -1).amax(dim=1) + _MARGIN, mask.sum(dim=1) - 1)
    longest = max([1, *(last - first + 1).tolist()])
    places = (frames[:longest] + first[:, None]).clamp(max=len(frames) - 1)
    moved = decibels.gather(1, places[:, :, None].expand(-1, -1, decibels.shape[2]))
    return moved, frames[:longest] <= (last - first)[:, None]


class SqueezedBlock(nn.Module):
    """Two 3x3 convolutions, channels weighed by their means (Hu et al., CVPR 2018), around a shortcut."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1, bias=False)
        inside = max(1, after // _SQUEEZE)
        self.weigh = nn.Sequential(nn.Linear(after, inside), nn.ReLU(), nn.Linear(inside, after), nn.Sigmoid())

    def forward(self, maps: Tensor, mask: Tensor) -> Tensor:
        """Maps `[B, before, T, M]`, zero where the mask `[B, T]` is False, to maps `[B, after, T, M]`, zero there."""
        real = mask[:, None, :, None]
        inner = F.relu(self.norm1(self.conv1(maps))) * real
        inner = self.norm2(self.conv2(inner)) * real
        frames = mask.sum(dim=1).clamp(min=1)[:, None]
        weights = self.weigh(inner.mean(dim=3).sum(dim=2) / frames)
        return F.relu(inner * weights[:, :, None, None] + self.shortcut(maps)) * real
