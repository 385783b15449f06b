"""A second of log-mel as one token, by a ResNet-18 with one input channel: DCA's audio backbone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.spectral import LogMel
from engine.features.voice import standardise
from engine.layers.residual import WIDTH, ResNet18


class MelResNet(nn.Module):
    """Waveforms to one token every `clip_frames` frames of the spectrum; the last clip is filled with the mean.

    The spectrum is standardised over each item, so a recording's gain makes no difference.
    """

    def __init__(self, *, spectrum: LogMel, trunk: ResNet18, clip_frames: int) -> None:
        super().__init__()
        self.width = WIDTH
        self.spectrum = spectrum
        self.trunk = trunk
        self.clip_frames = clip_frames

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to tokens `[B, C, 512]`, a clip each, and their mask."""
        decibels, frame_mask = self.spectrum.extract(inputs, mask)
        frames = standardise(decibels, frame_mask)
        token_mask = frame_mask[:, :: self.clip_frames]
        missing = token_mask.shape[1] * self.clip_frames - frames.shape[1]
        clips = F.pad(frames, (0, 0, 0, missing)).view(*token_mask.shape, self.clip_frames, self.spectrum.width)
        tokens = inputs.new_zeros(*token_mask.shape, self.width)
        if bool(token_mask.any()):
            tokens[token_mask] = self.encode(clips[token_mask]).to(tokens.dtype)
        return tokens, token_mask

    def encode(self, clips: Tensor) -> Tensor:
        """Standardised clips `[N, clip_frames, M]` to vectors `[N, 512]`; mel is the picture's height."""
        maps: Tensor = self.trunk(clips.transpose(1, 2)[:, None])
        return torch.mean(maps, dim=(2, 3))
