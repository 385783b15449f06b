"""Silero's voice activity network for 16 kHz: the probability of speech, frame by frame."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

FRAME = 512
"""Samples a probability stands for (32 ms)."""
_CONTEXT = 64
_HOP = 128
_BINS = 129

WEIGHTS = Path(__file__).parents[1] / "weights" / "silero" / "model.safetensors"


class SileroVad(nn.Module):
    """Magnitude spectrum, four convolutions, one recurrent layer (silero-vad 6, 16 kHz branch).

    The original steps frame by frame and keeps its state inside the model; this one takes whole waveforms
    and starts each from silence, so nothing is shared between calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(2 * _BINS, 1, 256))
        self.encoder = nn.Sequential(
            nn.Conv1d(_BINS, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(128, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(64, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv1d(64, 128, 3, padding=1),
            nn.ReLU(),
        )
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.head = nn.Linear(128, 1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Waveforms `[B, N]` to probabilities `[B, ceil(N / FRAME)]`; the last frame is filled up with zeros."""
        batch, samples = waveforms.shape
        padded = functional.pad(waveforms, (_CONTEXT, -samples % FRAME))
        windows = padded.unfold(1, _CONTEXT + FRAME, FRAME)
        frames = windows.shape[1]
        windows = functional.pad(windows.reshape(batch * frames, 1, -1), (0, 64), mode="reflect")
        spectrum = functional.conv1d(windows, self.get_buffer("basis"), stride=_HOP)
        magnitude = torch.sqrt(spectrum[:, :_BINS] ** 2 + spectrum[:, _BINS:] ** 2)
        encoded = self.encoder(magnitude).reshape(batch, frames, 128)
        hidden, _ = self.lstm(encoded)
        return torch.sigmoid(self.head(functional.relu(hidden))).squeeze(-1)


def load_silero(path: Path = WEIGHTS) -> SileroVad:
    """The network with its trained weights, in evaluation mode."""
    model = SileroVad()
    model.load_state_dict(load_file(path))
    return model.eval()
