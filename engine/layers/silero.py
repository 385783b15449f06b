"""Silero's voice activity network for 16 kHz: the probability of speech, frame by frame."""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

FRAME = 512
"""Samples a probability stands for (32 ms)."""
_CONTEXT = 64
_HOP = 128
_BINS = 129
_WIDTH = 128

WEIGHTS = Path(__file__).parents[1] / "weights" / "silero" / "model.safetensors"


class SileroState(NamedTuple):
    """What a stream has heard, by value; every row one stream."""

    context: Tensor
    """`[B, 64]`: the last samples."""
    hidden: Tensor
    cell: Tensor
    """`[1, B, 128]`"""


class SileroVad(nn.Module):
    """Magnitude spectrum, four convolutions, one recurrent layer (silero-vad 6, 16 kHz branch).

    The original keeps its state inside the model; here it goes in and comes out, so nothing is shared between calls.
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
        self.lstm = nn.LSTM(_WIDTH, _WIDTH, batch_first=True)
        self.head = nn.Linear(_WIDTH, 1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Waveforms `[B, N]` to probabilities `[B, ceil(N / FRAME)]`; the last frame is filled up with zeros."""
        filled = functional.pad(waveforms, (0, -waveforms.shape[1] % FRAME))
        return self.listen(filled, self.silence(len(waveforms)))[0]

    def silence(self, batch: int) -> SileroState:
        """The state of streams that have heard nothing."""
        basis = self.get_buffer("basis")
        return SileroState(
            basis.new_zeros(batch, _CONTEXT), basis.new_zeros(1, batch, _WIDTH), basis.new_zeros(1, batch, _WIDTH)
        )

    def listen(self, waveforms: Tensor, state: SileroState) -> tuple[Tensor, SileroState]:
        """The next whole frames `[B, F * FRAME]` of streams: probabilities `[B, F]` and the state after them."""
        heard = torch.cat([state.context, waveforms], dim=1)
        windows = heard.unfold(1, _CONTEXT + FRAME, FRAME)
        batch, frames = windows.shape[:2]
        windows = functional.pad(windows.reshape(batch * frames, 1, -1), (0, 64), mode="reflect")
        spectrum = functional.conv1d(windows, self.get_buffer("basis"), stride=_HOP)
        magnitude = torch.sqrt(spectrum[:, :_BINS] ** 2 + spectrum[:, _BINS:] ** 2)
        encoded = self.encoder(magnitude).reshape(batch, frames, _WIDTH)
        outputs, (hidden, cell) = self.lstm(encoded, (state.hidden, state.cell))
        speech = torch.sigmoid(self.head(functional.relu(outputs))).squeeze(-1)
        return speech, SileroState(heard[:, -_CONTEXT:], hidden, cell)


def load_silero(path: Path = WEIGHTS) -> SileroVad:
    """The network with its trained weights, in evaluation mode."""
    model = SileroVad()
    model.load_state_dict(load_file(path))
    return model.eval()
