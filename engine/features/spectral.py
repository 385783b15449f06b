"""Spectral features: log-mel and MFCC as batched torch pipelines, equal to librosa's with its defaults."""

import math

import torch
import torchaudio.functional
from torch import Tensor, nn

from engine.signals import SAMPLE_RATE_HZ

_POWER_FLOOR = 1e-10


class LogMel(nn.Module):
    """Mel power spectrum in decibels (librosa's `power_to_db(melspectrogram(...))`).

    Hann window, centred frames over zeros, Slaney's mel scale and area normalisation, and a floor `top_db` below the
    loudest value of the item. A waveform of N samples gives `1 + N // hop_length` frames.
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
        f_min_hz: float = 0.0,
        f_max_hz: float = SAMPLE_RATE_HZ / 2,
        top_db: float = 80.0,
    ) -> None:
        super().__init__()
        self.width = n_mels
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.top_db = top_db
        self.register_buffer("window", torch.hann_window(win_length), persistent=False)
        filters = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, f_min_hz, f_max_hz, n_mels, SAMPLE_RATE_HZ, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("filters", filters, persistent=False)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` and their mask to decibels `[B, T, n_mels]`, 0 on padded frames, and the mask `[B, T]`."""
        samples = mask.sum(dim=1)
        audio = torch.where(mask, inputs, 0.0)
        if audio.shape[1] == 0:
            audio = audio.new_zeros(audio.shape[0], 1)
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
        basis = torchaudio.functional.create_dct(n_mfcc, spectrum.width, norm="ortho")
        self.register_buffer("basis", basis, persistent=False)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` and their mask to coefficients `[B, T, n_mfcc]` and the mask `[B, T]`."""
        decibels, frame_mask = self.spectrum.extract(inputs, mask)
        return decibels @ self.basis, frame_mask
