"""Embeddings of short windows that slide over the speech of a recording of any length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.diarization.resemblyzer import DIMENSION, MEL_HOP, VoiceEncoder
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform

WINDOW_S = 1.6
"""Length of a window."""

STEP_S = 0.2
"""Time between the centres of neighbouring windows."""

_FRAMES_A_SECOND = SAMPLE_RATE_HZ // MEL_HOP
_STEP = round(STEP_S * _FRAMES_A_SECOND)
_LEAST_VOICED = 30
"""Mel frames (0.3 s) of speech below which a window says nothing about a voice."""
_POWER = 10.0**-3
"""Mean square the voice encoder was trained at: -30 dB of full scale."""
_MARGIN = 3
"""Mel frames beyond a block that its windows do not use: the transform fills up with zeros there."""
_BLOCK = 128
"""Windows described at once, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Windows:
    """What is heard around each of some moments of speech."""

    centres_s: NDArray[np.float64]
    """`[W]`, rising; windows without enough speech are left out."""
    embeddings: NDArray[np.float32]
    """`[W, D]` unit vectors."""


class Embedder(Protocol):
    """Describes voices window by window."""

    def embed(self, audio: Waveform, speech: Sequence[Span]) -> Windows:
        """Windows of a waveform `[N]` at `SAMPLE_RATE_HZ`; what is not `speech` is not heard."""
        ...


class WindowEmbedder:
    """Resemblyzer's encoder over windows, the pauses in them left out, each at the loudness it was trained at.

    Args:
        encoder: in evaluation mode; shared by any number of threads.
        length_s: length of a window; the encoder was trained on 1.6 s.
    """

    def __init__(self, *, encoder: VoiceEncoder, length_s: float = WINDOW_S) -> None:
        self._encoder = encoder
        self._half = round(length_s * _FRAMES_A_SECOND / 2)

    def embed(self, audio: Waveform, speech: Sequence[Span]) -> Windows:
        """See `Embedder.embed`. A recording of an hour needs no more memory than its waveform and the embeddings."""
        spoken = frames_of(speech, len(audio) // MEL_HOP)
        centres = np.arange(_STEP // 2, len(spoken), _STEP)
        parts = [
            self._block(audio, spoken, centres[first : first + _BLOCK]) for first in range(0, len(centres), _BLOCK)
        ]
        embeddings = np.concatenate([np.empty((0, DIMENSION), np.float32), *parts])
        described = np.isfinite(embeddings[:, 0])
        return Windows(centres_s=centres[described] / _FRAMES_A_SECOND, embeddings=embeddings[described])

    def _block(self, audio: Waveform, spoken: NDArray[np.bool_], centres: NDArray[np.int64]) -> NDArray[np.float32]:
        begin = max(0, int(centres[0]) - self._half - _MARGIN)
        end = min(len(spoken), int(centres[-1]) + self._half + _MARGIN)
        sound = np.ascontiguousarray(audio[begin * MEL_HOP : end * MEL_HOP], dtype=np.float32)
        power = np.square(sound.reshape(-1, MEL_HOP)).mean(axis=1)
        embeddings = np.full((len(centres), DIMENSION), np.nan, np.float32)
        with torch.inference_mode():
            mel = self._encoder.mel(torch.from_numpy(sound)[None])[0].numpy()
            packed = np.zeros((len(centres), 2 * self._half, mel.shape[1]), np.float32)
            lengths = np.zeros(len(centres), np.int64)
            for row, centre in enumerate(centres):
                low = max(0, int(centre) - self._half)
                heard = low + np.flatnonzero(spoken[low : int(centre) + self._half]) - begin
                if len(heard) >= _LEAST_VOICED and power[heard].mean() > 0:
                    lengths[row] = len(heard)
                    packed[row, : len(heard)] = mel[heard] * (_POWER / max(float(power[heard].mean()), 1e-10))
            rows = np.flatnonzero(lengths)
            if len(rows):
                answer = self._encoder(torch.from_numpy(packed[rows]), torch.from_numpy(lengths[rows]))
                embeddings[rows] = answer.numpy()
        return embeddings


def frames_of(speech: Sequence[Span], frames: int) -> NDArray[np.bool_]:
    """`[frames]` of 10 ms: those in which somebody speaks."""
    spoken = np.zeros(frames, bool)
    for span in speech:
        spoken[round(span.start_s * _FRAMES_A_SECOND) : round(span.end_s * _FRAMES_A_SECOND)] = True
    return spoken
