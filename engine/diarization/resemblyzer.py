"""Resemblyzer's voice encoder: what a voice sounds like, as a unit vector of 256 numbers."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.functional import melscale_fbanks

MEL_HOP = 160
"""Samples between two mel frames (10 ms)."""
PARTIAL = 160
"""Mel frames of the stretches the encoder was trained on (1.6 s)."""
DIMENSION = 256

WEIGHTS = Path(__file__).parents[1] / "weights" / "resemblyzer" / "model.safetensors"


class VoiceEncoder(nn.Module):
    """Three recurrent layers over 40 mel bands, trained with GE2E (Wan et al. 2018, arXiv:1710.10467)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, DIMENSION)
        filters = melscale_fbanks(201, 0.0, 8000.0, 40, 16_000, norm="slaney", mel_scale="slaney")
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(400), persistent=False)

    def mel(self, waveforms: Tensor) -> Tensor:
        """Waveforms `[B, N]` to power mel bands `[B, 1 + N // MEL_HOP, 40]`; no logarithm, so loudness matters."""
        spectrum = torch.stft(
            waveforms, 400, MEL_HOP, window=self.get_buffer("window"), pad_mode="constant", return_complex=True
        )
        return spectrum.abs().square().transpose(1, 2) @ self.get_buffer("filters")

    def forward(self, mels: Tensor, lengths: Tensor) -> Tensor:
        """Mel bands `[B, T, 40]`, of which the first `lengths` `[B]` (at least 1) count, to unit vectors `[B, 256]`."""
        hidden, _ = self.lstm(mels)
        last = hidden[torch.arange(len(mels), device=mels.device), lengths - 1]
        raw = torch.relu(self.linear(last))
        return functional.normalize(raw, dim=1)


def load_resemblyzer(path: Path = WEIGHTS) -> VoiceEncoder:
    """The encoder with its trained weights, in evaluation mode."""
    model = VoiceEncoder()
    model.load_state_dict(load_file(path))
    return model.eval()
