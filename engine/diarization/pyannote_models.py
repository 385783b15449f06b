"""Silero and resemblyzer as pyannote.audio models. Importing this imports pyannote.audio, which takes seconds."""

import torch
from pyannote.audio.core.model import Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import Tensor
from torch.nn import functional

from engine.diarization.resemblyzer import DIMENSION, MEL_HOP, PARTIAL, VoiceEncoder
from engine.layers.silero import FRAME, SileroVad
from engine.signals import SAMPLE_RATE_HZ

WINDOW_S = PARTIAL * MEL_HOP / SAMPLE_RATE_HZ
"""Length of the window both slide over a segment: what the voice encoder was trained on, and 50 frames of silero."""

_LEAST_VOICED = 30
"""Mel frames (0.3 s) of speech below which a window says nothing about a voice."""
_LOUDNESS = 10 ** (-30 / 20)
"""Root mean square the voice encoder was trained at: -30 dB of full scale."""


class SpeechSegmentation(Model):
    """Segmentation with one local speaker a window: whether anybody speaks. It cannot see overlap."""

    def __init__(self, *, silero: SileroVad) -> None:
        super().__init__(sample_rate=SAMPLE_RATE_HZ)
        self.silero = silero
        self.specifications = Specifications(
            problem=Problem.MULTI_LABEL_CLASSIFICATION,
            resolution=Resolution.FRAME,
            duration=WINDOW_S,
            classes=["speech"],
            permutation_invariant=True,
        )

    def forward(self, waveforms: Tensor) -> Tensor:  # type: ignore[override]  # pyannote's has **kwargs
        """Waveforms `[B, 1, N]` to the probability of speech `[B, F, 1]`."""
        speech: Tensor = self.silero(waveforms[:, 0])
        return speech[..., None]

    def num_frames(self, num_samples: int) -> int:
        """F of N samples."""
        return -(-num_samples // FRAME)

    def receptive_field_size(self, num_frames: int = 1) -> int:
        """Samples that `num_frames` frames stand for."""
        return num_frames * FRAME

    def receptive_field_center(self, frame: int = 0) -> float:
        """Sample in the middle of a frame."""
        return frame * FRAME + (FRAME - 1) / 2


class VoiceEmbedding(Model):
    """Embedding of the voiced part of a window, at the loudness the encoder was trained with."""

    def __init__(self, *, encoder: VoiceEncoder) -> None:
        super().__init__(sample_rate=SAMPLE_RATE_HZ)
        self.encoder = encoder
        self.specifications = Specifications(
            problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=WINDOW_S
        )

    @property
    def dimension(self) -> int:
        """D of the embeddings."""
        return DIMENSION

    def forward(  # type: ignore[override]  # pyannote's has **kwargs
        self, waveforms: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Waveforms `[B, 1, N]` and voicing `[B, F]` to `[B, D]`; NaN where too little is voiced."""
        mels = self.encoder.mel(waveforms[:, 0])[:, : waveforms.shape[-1] // MEL_HOP]
        if weights is None:
            weights = torch.ones(mels.shape[:2], device=mels.device)
        voiced = functional.interpolate(weights[:, None], size=mels.shape[1])[:, 0] > 0.5
        lengths = voiced.sum(dim=1)
        packed = torch.zeros_like(mels)
        for row, mel, mask in zip(packed, mels, voiced, strict=True):
            row[: int(mask.sum())] = mel[mask]
        return torch.where(
            (lengths >= _LEAST_VOICED)[:, None],
            self.encoder(packed * self._gain(waveforms[:, 0], voiced), lengths.clamp(min=1)),
            torch.nan,
        )

    def _gain(self, waveforms: Tensor, voiced: Tensor) -> Tensor:
        # Power scales with the square of the amplitude.
        blocks = waveforms[:, : voiced.shape[1] * MEL_HOP].reshape(*voiced.shape, MEL_HOP).square().mean(dim=-1)
        power = (blocks * voiced).sum(dim=1) / voiced.sum(dim=1).clamp(min=1)
        return (_LOUDNESS**2 / power.clamp(min=1e-10))[:, None, None]


class NoPlda(PLDA):
    """Stands where the pipeline insists on a PLDA that only its default clustering, not used here, would read."""

    def __init__(self) -> None:
        """Reads no folder."""
