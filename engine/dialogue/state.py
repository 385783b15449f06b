"""What a batch of dialogues carries from turn to turn."""

from typing import NamedTuple

import torch
from torch import Tensor


class DialogueStates(NamedTuple):
    """The states of B dialogues with up to P participants each, by value; a participant is a slot of its dialogue."""

    context: Tensor
    """`[B, d]` C of eq. 8."""
    attention_sum: Tensor
    """`[B, d]` the weighted mean of every C so far: the `ac` (eq. 9) of the next turn."""
    attention_weight: Tensor
    """`[B]` the sum of the weights behind that mean."""
    emotion: Tensor
    """`[B, d]` E of eq. 12."""
    silent: Tensor
    """`[B, d]` the one state of everybody who has not spoken."""
    speakers: Tensor
    """`[B, P, d]` q of eqs 10 and 11; the silent state where nobody has spoken yet."""
    spoken: Tensor
    """`[B, P]` True: has spoken."""
    announced: Tensor
    """`[B, P]` True: is known to take part, and listens before speaking."""

    @classmethod
    def start(cls, announced: Tensor, *, width: int, like: Tensor) -> "DialogueStates":
        """Dialogues before their first turn; `announced` `[B, P]`; type and device of `like`."""
        batch, participants = announced.shape
        zeros = like.new_zeros(batch, width)
        speakers = like.new_zeros(batch, participants, width)
        spoken = torch.zeros_like(announced)
        return cls(zeros, zeros, like.new_zeros(batch), zeros, zeros, speakers, spoken, announced)

    def select(self, rows: Tensor) -> "DialogueStates":
        """The dialogues at `rows`, in that order; a row may come more than once."""
        return DialogueStates(*(field[rows] for field in self))

    def where(self, active: Tensor, otherwise: "DialogueStates") -> "DialogueStates":
        """These states where `active` `[B]` is True, `otherwise` elsewhere, bit for bit."""
        return DialogueStates(
            *(
                torch.where(active.view(-1, *[1] * (mine.dim() - 1)), mine, other)
                for mine, other in zip(self, otherwise, strict=True)
            )
        )
