"""The loop in which every stage of a checkpoint learns: AdamW under a one-cycle rate, batches in a drawn order."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from engine.training.recipe import Schedule

Progress = Callable[[str, int, int, float], None]
"""Stage, steps done, steps in all, the last loss."""

_LONGEST_STEP = 5.0


def fit(
    stage: str,
    modules: Sequence[nn.Module],
    loss_of: Callable[[Tensor], Tensor],
    *,
    items: int,
    schedule: Schedule,
    generator: Generator,
    progress: Progress,
) -> None:
    """Train the modules together; `loss_of` gives the loss of the items of these numbers, `[batch]` of `items`."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    batches = items // schedule.batch
    steps = schedule.epochs * batches
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.15)
    for module in modules:
        module.train()
    done = 0
    for _ in range(schedule.epochs):
        order = torch.randperm(items, generator=generator)
        for chosen in order[: batches * schedule.batch].view(-1, schedule.batch):
            loss = loss_of(chosen)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(parameters, _LONGEST_STEP)
            optimizer.step()
            rates.step()
            done += 1
            progress(stage, done, steps, loss.item())
    for module in modules:
        module.eval()
