"""Dialogues as a rectangle of turn numbers over one table of tokens, so that a batch is one look-up."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor


@dataclass(frozen=True, slots=True)
class Panel:
    """B dialogues of at most T turns."""

    turns: Tensor
    """`[B, T]` rows of the table; anything where there is no turn."""
    labels: Tensor
    """`[B, T]`"""
    speakers: Tensor
    """`[B, T]` slots by first appearance."""
    lengths: Tensor
    """`[B]`"""

    @property
    def real(self) -> Tensor:
        """`[B, T]` True: a turn."""
        return torch.arange(self.labels.shape[1]) < self.lengths[:, None]

    def at(self, rows: Tensor) -> "Panel":
        """Those dialogues, as wide as the longest of them."""
        lengths = self.lengths[rows]
        wide = int(lengths.max())
        return Panel(self.turns[rows, :wide], self.labels[rows, :wide], self.speakers[rows, :wide], lengths)

    def alone(self) -> "Panel":
        """Every turn as a dialogue of its own, in order: what the control is given."""
        real = self.real
        turns, labels = self.turns[real][:, None], self.labels[real][:, None]
        return Panel(turns, labels, torch.zeros_like(labels), torch.ones(len(labels), dtype=torch.long))


def panel(labels: NDArray[np.int64], speakers: NDArray[np.str_], dialogues: NDArray[np.int64]) -> Panel:
    """Of turns `[N]` in order, dialogue after dialogue; they are the rows of the table."""
    starts = np.flatnonzero(np.r_[True, dialogues[1:] != dialogues[:-1]])
    lengths = np.diff(np.r_[starts, len(dialogues)])
    table, known, slots = (torch.zeros(len(starts), int(lengths.max()), dtype=torch.long) for _ in range(3))
    for row, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        here = slice(start, start + length)
        order = {str(name): slot for slot, name in enumerate(dict.fromkeys(speakers[here].tolist()))}
        table[row, :length] = torch.arange(start, start + length)
        known[row, :length] = torch.from_numpy(labels[here])
        slots[row, :length] = torch.tensor([order[str(name)] for name in speakers[here]])
    return Panel(table, known, slots, torch.from_numpy(lengths))


class Lender:
    """Gives a turn the voice of another turn of its label, so that history is learned apart from single voices."""

    def __init__(self, labels: Tensor) -> None:
        """`labels` `[N]` of the table's rows."""
        self._by_label = {one: torch.nonzero(labels == one).squeeze(1) for one in sorted(set(labels.tolist()))}

    def lend(self, batch: Panel, *, chance: float, generator: Generator) -> Tensor:
        """`[B, T]` rows of the table: the turn's own, or with `chance` one of the same label."""
        turns = batch.turns.clone()
        borrows = torch.rand(turns.shape, generator=generator) < chance
        for label, rows in self._by_label.items():
            here = borrows & (batch.labels == label)
            turns[here] = rows[torch.randint(len(rows), (int(here.sum()),), generator=generator)]
        return turns
