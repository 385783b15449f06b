"""A second look at a turn, once the next K turns are known: backward cells over that window."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from engine.dialogue.cells import Ablation, DialogueCells
from engine.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Window:
    """A turn to revise and the turns after it, W in all; fewer than K follow at the end of a dialogue."""

    speakers: tuple[str, ...]
    u: Tensor
    """`[W, d]`"""
    v: Tensor
    """`[W, d]`"""
    emotion: Tensor
    """`[d]` E of the turn to revise, as the forward states had it."""


class Revision(nn.Module):
    """Backward cells and a classifier over `[E forward ; E backward]`.

    The backward cells begin at the window's end and know nobody but its speakers, so this is not the bidirectional form
    over a whole dialogue. Trained by `forward`, used by `revise`: one code.
    """

    def __init__(
        self,
        *,
        width: int,
        turns_ahead: int,
        classes: int = 7,
        dropout: float = 0.0,
        ablation: Ablation | None = None,
    ) -> None:
        super().__init__()
        if turns_ahead < 1:
            raise ConfigurationError(f"a revision looks {turns_ahead} turns ahead; give at least 1, or no revision")
        self.width = width
        self.turns_ahead = turns_ahead
        self.cells = DialogueCells(width=width, ablation=ablation)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * width, classes)

    def forward(self, u: Tensor, v: Tensor, speakers: Tensor, emotion: Tensor, lengths: Tensor) -> Tensor:
        """Revised logits `[B, T, K]` of every turn of whole dialogues, each from its own window.

        u, v, emotion `[B, T, d]`; speakers `[B, T]` slots; lengths `[B]`. Rows after a dialogue's end are 0.
        """
        turns, ahead = u.shape[1], self.turns_ahead
        window = torch.arange(turns, device=u.device)[:, None] + torch.arange(ahead + 1, device=u.device)
        left = lengths[:, None] - window[:, 0]
        real = left > 0
        heard = pad(speakers, (0, ahead))[:, window][real]
        revised = self._revised(
            pad(u, (0, 0, 0, ahead))[:, window][real],
            pad(v, (0, 0, 0, ahead))[:, window][real],
            # A window knows as many people as it has turns at the most, however many the dialogue has.
            (heard[:, :, None] == heard[:, None, :]).int().argmax(dim=2),
            left[real].clamp(max=ahead + 1),
            emotion[real],
        )
        logits = revised.new_zeros(len(u), turns, revised.shape[1])
        logits[real] = revised
        return logits

    @torch.no_grad()
    def revise(self, windows: Sequence[Window]) -> Tensor:
        """Revised logits `[N, K]` of the first turn of each window."""
        if not windows:
            return self.classifier.weight.new_zeros(0, len(self.classifier.weight))
        for window in windows:
            if not 1 <= len(window.speakers) <= self.turns_ahead + 1:
                raise ConfigurationError(
                    f"a window of {len(window.speakers)} turns; this revision takes 1 to {self.turns_ahead + 1}"
                )
        slots = [
            torch.tensor([list(dict.fromkeys(window.speakers)).index(name) for name in window.speakers])
            for window in windows
        ]
        device = self.classifier.weight.device
        return self._revised(
            pad_sequence([window.u for window in windows], batch_first=True),
            pad_sequence([window.v for window in windows], batch_first=True),
            pad_sequence(slots, batch_first=True).to(device),
            torch.tensor([len(window.speakers) for window in windows], device=device),
            torch.stack([window.emotion for window in windows]),
        )

    def _revised(self, u: Tensor, v: Tensor, speakers: Tensor, lengths: Tensor, emotion: Tensor) -> Tensor:
        back = self.cells.run(self.dropout(u), self.dropout(v), speakers, lengths, reverse=True)[:, 0]
        logits: Tensor = self.classifier(self.dropout(torch.cat([emotion, back], dim=1)))
        return logits
