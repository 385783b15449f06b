"""Encoders as a port: a padded batch of one modality in, tokens out."""

from typing import Protocol

from torch import Tensor


class FeatureExtractor(Protocol):
    """A torch module that turns one modality into tokens."""

    width: int
    """D of the tokens."""

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens `[B, T, width]` and their mask `[B, T]` (True = real).

        Audio: inputs `[B, N]` waveforms at `SAMPLE_RATE_HZ`, mask `[B, N]`. Faces: inputs `[B, F, 3, S, S]`
        in [0, 1], mask `[B, F]`. An item whose mask is all False has no real token. Padding never changes a result.
        """
        ...
