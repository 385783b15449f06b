"""Whisper's encoder: log-mel of whole windows of 30 s to one layer's hidden states."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.elsewhere import keep_elsewhere
from engine.features.precision import Precision, computing
from engine.features.spectral import mel_filters
from engine.layers.pooling import masked_mean
from engine.signals import SAMPLE_RATE_HZ

_N_FFT, _HOP = 400, 160
_SAMPLES_PER_STATE = 2 * _HOP
_POWER_FLOOR = 1e-10
_RANGE = 8.0


class WhisperEncoder(nn.Module):
    """Waveforms to one layer's hidden states, 50 a second, as frames or as their mean over time.

    Whisper takes no mask: every window is filled with silence to its full length, alone and in a batch alike, so that
    a word costs as much as 30 s. Of the states those over the item's own samples are kept. `layer` and where the
    weights lie are as in `SpeechEncoder`.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self, *, model: nn.Module, config: Any, layer: int, pooled: bool, precision: Precision = "float32"
    ) -> None:
        super().__init__()
        self.model = model
        self.width = int(config.d_model)
        self.pooled = pooled
        self.precision = precision
        self.layer = layer if layer >= 0 else config.encoder_layers + 1 + layer
        self.last = self.layer == config.encoder_layers
        # One layer more than wanted: what the last one gives is normalised.
        model.layers = model.layers[: self.layer + 1]  # type: ignore[index]
        self.states = int(config.max_source_positions)
        self.register_buffer("window", torch.hann_window(_N_FFT, dtype=torch.float64), persistent=False)
        filters = mel_filters(
            config.num_mel_bins, _N_FFT, sample_rate_hz=SAMPLE_RATE_HZ, edges_hz=(0.0, SAMPLE_RATE_HZ / 2)
        )
        self.register_buffer("filters", filters, persistent=False)
        keep_elsewhere(self)

    def extract(self, inputs: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms `[B, N]` at 16 kHz and mask to states `[B, T, width]`, `T` 1 if pooled, and their mask."""
        frames = -(-mask.sum(dim=1) // _SAMPLES_PER_STATE)
        most = int(frames.max()) if len(frames) else 0
        windows = -(-most // self.states)
        size = self.states * _SAMPLES_PER_STATE
        audio = torch.where(mask, inputs, 0.0)[:, : windows * size]
        pieces = F.pad(audio, (0, windows * size - audio.shape[1])).view(len(inputs), windows, size)
        states = inputs.new_zeros(len(inputs), windows, self.states, self.width)
        real = torch.arange(windows, device=mask.device) * self.states < frames[:, None]
        if most:
            states[real] = self._states(self.log_mel(pieces[real])).to(states.dtype)
        frame_mask = torch.arange(most, device=mask.device) < frames[:, None]
        tokens = torch.where(frame_mask[:, :, None], states.flatten(1, 2)[:, :most], 0.0)
        if not self.pooled:
            return tokens, frame_mask
        return masked_mean(tokens, frame_mask)[:, None], (frames > 0)[:, None]

    def log_mel(self, pieces: Tensor) -> Tensor:
        """Whole windows `[K, N]` as Whisper reads them: `[K, num_mel_bins, N / 160]`."""
        spectrum = torch.stft(
            pieces.to(self.window.dtype), _N_FFT, _HOP, window=self.window, center=True, return_complex=True
        )
        power = spectrum[..., :-1].real.square() + spectrum[..., :-1].imag.square()
        mel = (power.transpose(1, 2) @ self.filters).clamp(min=_POWER_FLOOR).log10()
        mel = torch.maximum(mel, mel.amax(dim=(1, 2), keepdim=True) - _RANGE)
        return ((mel + 4) / 4).transpose(1, 2).to(pieces.dtype)

    def _states(self, mel: Tensor) -> Tensor:
        with computing(self.precision, mel.device):
            output = self.model(mel, output_hidden_states=not self.last)
        states: Tensor = output.last_hidden_state if self.last else output.hidden_states[self.layer]
        return states
