"""The paper's bidirectional form of the dialogue model: for whole dialogues only, never for the stream."""

import torch
from torch import Tensor, nn

from engine.dialogue.cells import Ablation, DialogueCells


class BidirectionalDialogue(nn.Module):
    """Forward cells, backward cells with weights of their own from the end, and a classifier over both E."""

    def __init__(self, *, width: int, classes: int = 7, dropout: float = 0.0, ablation: Ablation | None = None) -> None:
        super().__init__()
        self.width = width
        self.cells = DialogueCells(width=width, ablation=ablation)
        self.backward_cells = DialogueCells(width=width, ablation=ablation)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * width, classes)

    def forward(
        self, u: Tensor, v: Tensor, speakers: Tensor, lengths: Tensor, announced: Tensor | None = None
    ) -> Tensor:
        """Logits `[B, T, K]` of `[E forward ; E backward]`; arguments as for `CausalDialogue`."""
        u, v = self.dropout(u), self.dropout(v)
        ahead = self.cells.run(u, v, speakers, lengths, announced)
        back = self.backward_cells.run(u, v, speakers, lengths, announced, reverse=True)
        logits: Tensor = self.classifier(self.dropout(torch.cat([ahead, back], dim=-1)))
        return logits
