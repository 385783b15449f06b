"""Mel-frequency cepstral coefficients as a network learns from them: a recording's gain makes no difference."""

from torch import Tensor, nn

from engine.features.spectral import Mfcc
from engine.features.voice import standardise


class Cepstra(nn.Module):
    """The coefficients of the log-mel spectrum that was brought to mean 0 and spread 1 over the item.

    The transform is linear: gain would only have moved the first coefficient, and the spread scales all of them alike.
    """

    def __init__(self, mfcc: Mfcc) -> None:
        super().__init__()
        self.width = mfcc.width
        self.mfcc = mfcc

    def forward(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and their mask to `[B, T, width]`, 0 on padded frames, and the mask `[B, T]`."""
        decibels, frame_mask = self.mfcc.spectrum.decibels(inputs, mask)
        return (standardise(decibels, frame_mask) @ self.mfcc.basis).to(inputs.dtype), frame_mask
