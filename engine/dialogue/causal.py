"""The dialogue model of the stream: each turn is decided from the turns up to it (AVAFN, eqs 8-14)."""

from torch import Tensor, nn

from engine.dialogue.cells import Ablation, DialogueCells
from engine.dialogue.state import DialogueStates


class CausalDialogue(nn.Module):
    """The forward cells and their classifier; one code for the stream (`step`) and for training (`forward`)."""

    def __init__(self, *, width: int, classes: int = 7, dropout: float = 0.0, ablation: Ablation | None = None) -> None:
        super().__init__()
        self.width = width
        self.cells = DialogueCells(width=width, ablation=ablation)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)

    def step(
        self, states: DialogueStates, u: Tensor, v: Tensor, speaker: Tensor, active: Tensor
    ) -> tuple[DialogueStates, Tensor, Tensor]:
        """One turn of every active dialogue: the states after it, logits `[B, K]` and E `[B, d]`.

        u, v `[B, d]`; speaker `[B]` slots; active `[B]`: a dialogue that is not active is returned bit for bit, and
        its logits and E are those of its last turn.
        """
        states, emotion = self.cells.step(states, self.dropout(u), self.dropout(v), speaker, active)
        return states, self.classifier(self.dropout(emotion)), emotion

    def forward(
        self, u: Tensor, v: Tensor, speakers: Tensor, lengths: Tensor, announced: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Whole dialogues: logits `[B, T, K]` and E `[B, T, d]`; rows after a dialogue's end mean nothing.

        u, v `[B, T, d]`; speakers `[B, T]` slots; lengths `[B]`; announced `[B, P]` slots known from the start.
        """
        emotion = self.cells.run(self.dropout(u), self.dropout(v), speakers, lengths, announced)
        logits: Tensor = self.classifier(self.dropout(emotion))
        return logits, emotion
