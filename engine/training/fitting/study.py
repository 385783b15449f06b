"""How AVAFN learns in a study of few dialogues: a schedule, and a loop over batches of about one length."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from engine.training.fitting.fit import LONGEST_STEP, still_learning


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """AdamW under a one-cycle rate; a study says what it chose otherwise."""

    width: int = 64
    epochs: int = 16
    batch: int = 32
    """Dialogues."""
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dropout: float = 0.3
    label_smoothing: float = 0.05
    class_power: float = 0.0
    """A class weighs in the loss by its number to minus this: 0 is no balancing."""
    token_noise: float = 0.0
    """In spreads of the tokens, one draw a turn and feature."""
    own_head: float = 0.5
    """Share of the fusion's own head in the loss."""


def learn(
    model: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    *,
    lengths: Tensor,
    schedule: Schedule,
    generator: Generator,
) -> Iterator[float]:
    """Train on dialogues of these lengths `[D]`, and yield the last loss after every epoch.

    loss_of: the loss of the dialogues of these numbers `[batch]`.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    steps = schedule.epochs * -(-len(lengths) // schedule.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.2)
    for _ in range(schedule.epochs):
        model.train()
        for chosen in _batches(lengths, schedule.batch, generator):
            loss = loss_of(chosen)
            optimizer.zero_grad()
            last = still_learning(loss.item())
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), LONGEST_STEP)
            optimizer.step()
            rates.step()
        yield last


def both_heads(own: Tensor, contextual: Tensor, labels: Tensor, weights: Tensor, schedule: Schedule) -> Tensor:
    """The loss of the fusion's own logits and of the states', `[N, 7]` each, for labels `[N]` and classes' weights."""

    def loss(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, weights, label_smoothing=schedule.label_smoothing)

    return loss(contextual) + schedule.own_head * loss(own)


def _batches(lengths: Tensor, size: int, generator: Generator) -> list[Tensor]:
    """Batches in random order, of dialogues of about one length: a batch takes as many steps as its longest."""
    order = torch.argsort(lengths + 3 * torch.rand(len(lengths), generator=generator))
    parts = torch.split(order, size)
    return [parts[part] for part in torch.randperm(len(parts), generator=generator).tolist()]
