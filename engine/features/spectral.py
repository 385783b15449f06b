"""Spectral features: log-mel and MFCC as batched torch pipelines, equal to librosa's with its defaults."""

import math
from typing import Literal

import torch
import torchaudio.functional
from torch import Tensor, nn

from engine.signals import SAMPLE_RATE_HZ

Window = Literal["hann", "hamming"]

_POWER_FLOOR = 1e-10
_WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window}


class LogMel(nn.Module):
    """Mel power spectrum in decibels (librosa's `power_to_db(melspectrogram(..., pad_mode="constant"))`).

    Centred frames over zeros, Slaney's mel scale and area normalisation, and a floor `top_db` below the loudest value
    of the item. Lengths are in samples at `sample_rate_hz`: a waveform at another rate than the engine's is resampled
    first (what lies above half the engine's rate stays empty). N samples give `1 + N // hop_length` frames.
    The sums run in float64: in float32 a weak band beside a loud one is wrong by a thousandth of a decibel.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        n_mels: int,
        n_fft: int = 512,
        win_length: int = 400,
        hop_length: int = 160,
        window: Window = "hann",
        sample_rate_hz: int = SAMPLE_RATE_HZ,
        f_min_hz: float = 0.0,
        f_max_hz: float | None = None,
        top_db: float = 80.0,
    ) -> None:
        super().__init__()
        self.width = n_mels
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.sample_rate_hz = sample_rate_hz
        self.top_db = top_db
        self.register_buffer("window", _WINDOWS[window](win_length, dtype=torch.float64), persistent=False)
        edges_hz = f_min_hz, f_max_hz or sample_rate_hz / 2
        self.register_buffer(
            "filters", mel_filters(n_mels, n_fft, sample_rate_hz=sample_rate_hz, edges_hz=edges_hz), persistent=False
        )

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` and their mask to decibels `[B, T, n_mels]`, 0 on padded frames, and the mask `[B, T]`."""
        decibels, frame_mask = self.decibels(inputs, mask)
        return decibels.to(inputs.dtype), frame_mask

    def decibels(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What `extract` gives, still in float64."""
        if not len(inputs):
            return self.window.new_zeros(0, 1, self.width), mask.new_zeros(0, 1)
        samples = mask.sum(dim=1)
        audio = torch.where(mask, inputs, 0.0).to(self.window.dtype)
        if audio.shape[1] == 0:
            audio = audio.new_zeros(audio.shape[0], 1)
        if self.sample_rate_hz != SAMPLE_RATE_HZ:
            audio = torchaudio.functional.resample(audio, SAMPLE_RATE_HZ, self.sample_rate_hz)
            samples = -(-samples * self.sample_rate_hz // SAMPLE_RATE_HZ)
            # The filter rings on behind the end of an item.
            audio = audio * (torch.arange(audio.shape[1], device=mask.device) < samples[:, None])
        spectrum = torch.stft(
            audio,
            self.n_fft,
            self.hop_length,
            self.win_length,
            self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        decibels = 10 * (power.transpose(1, 2) @ self.filters).clamp(min=_POWER_FLOOR).log10()
        frames = torch.where(samples > 0, 1 + samples // self.hop_length, 0)
        frame_mask = torch.arange(decibels.shape[1], device=mask.device) < frames[:, None]
        real = frame_mask[:, :, None]
        loudest = torch.where(real, decibels, -math.inf).amax(dim=(1, 2), keepdim=True)
        return torch.where(real, torch.maximum(decibels, loudest - self.top_db), 0.0), frame_mask


class Mfcc(nn.Module):
    """Mel-frequency cepstral coefficients (librosa's `feature.mfcc`): the orthonormal DCT-II of a log-mel spectrum."""

    basis: Tensor

    def __init__(self, *, spectrum: LogMel, n_mfcc: int) -> None:
        super().__init__()
        self.width = n_mfcc
        self.spectrum = spectrum
        mel, order = torch.arange(spectrum.width, dtype=torch.float64), torch.arange(n_mfcc, dtype=torch.float64)
        basis = torch.cos(math.pi / spectrum.width * (mel[:, None] + 0.5) * order) * math.sqrt(2 / spectrum.width)
        basis[:, 0] /= math.sqrt(2)
        self.register_buffer("basis", basis, persistent=False)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` and their mask to coefficients `[B, T, n_mfcc]` and the mask `[B, T]`."""
        decibels, frame_mask = self.spectrum.decibels(inputs, mask)
        return (decibels @ self.basis).to(inputs.dtype), frame_mask


def mel_filters(n_mels: int, n_fft: int, *, sample_rate_hz: int, edges_hz: tuple[float, float]) -> Tensor:
    """Triangles of equal area, evenly spaced on Slaney's scale: `[n_fft // 2 + 1, n_mels]`."""
    low, high = (_mel(edge) for edge in edges_hz)
    mels = torch.linspace(low, high, n_mels + 2, dtype=torch.float64)
    hz = torch.where(mels < _BREAK_MEL, mels * _HZ_PER_MEL, _BREAK_HZ * torch.exp((mels - _BREAK_MEL) * _LOG_STEP))
    bins = torch.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1, dtype=torch.float64)[:, None]
    rise = (bins - hz[:-2]) / (hz[1:-1] - hz[:-2])
    fall = (hz[2:] - bins) / (hz[2:] - hz[1:-1])
    return torch.minimum(rise, fall).clamp(min=0) * 2 / (hz[2:] - hz[:-2])


# Slaney's scale is linear up to 1000 Hz and logarithmic above, 27 mel for a factor of 6.4.
_HZ_PER_MEL = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27


def _mel(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < _BREAK_HZ else _BREAK_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP
