"""The loop in which every stage of a checkpoint learns: AdamW under a one-cycle rate, batches in a drawn order."""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from engine.errors import ConfigurationError
from engine.training.fitting.average import follow
from engine.training.fitting.device import CPU
from engine.training.fitting.keeping import keep, kept, write_rows
from engine.training.recipe import Schedule
from engine.training.scoring.scores import Scores

Progress = Callable[[str, int, int, float], None]
"""Stage, steps done, steps in all, the last loss."""

LONGEST_STEP = 5.0
"""Norm to which the gradient of a step is cut."""
_DEV = ("weighted_f1", "macro_f1", "accuracy", "uar")
_CHOOSES = "dev_weighted_f1"


@dataclass(frozen=True, slots=True)
class Following:
    """Where a stage learns, and how it is followed."""

    progress: Progress
    state: Path
    """Where everything that the rest depends on lies after every epoch; the epochs lie beside it as CSV."""
    dev: Callable[[], Scores] | None = None
    """How good the modules are by now, in `eval()` and on the CPU, on what they do not learn from; None: nobody looks.
    """
    device: torch.device = CPU
    """Where the steps are computed; before and after it, everything is on the CPU."""


def fit(
    stage: str,
    modules: Sequence[nn.Module],
    loss_of: Callable[[Tensor], Tensor],
    *,
    items: int,
    schedule: Schedule,
    generator: Generator,
    following: Following,
) -> None:
    """Train the modules together; `loss_of` gives the loss of the items of these numbers, `[batch]` of `items`.

    After a kill the same call goes on from the last epoch to the same weights. Where the schedule has patience, the
    epoch with the best weighted F1 on the dev part is the one whose weights stay. Raises `ConfigurationError`:
    nothing to learn from, or patience without a dev part.
    """
    if schedule.patience is not None and following.dev is None:
        raise ConfigurationError(f"stage {stage}: patience needs a dev part to look at, and there is none")
    fitting = _Fitting(modules, items=items, schedule=schedule, generator=generator, device=following.device)
    fitting.restore(kept(following.state))
    while not fitting.finished:
        fitting.run_epoch(loss_of, report=lambda done, loss: following.progress(stage, done, fitting.steps, loss))
        fitting.judge(following.dev)
        following.state.parent.mkdir(parents=True, exist_ok=True)
        write_rows(following.state.with_suffix(".csv"), fitting.epochs)
        keep(following.state, fitting.state())
    fitting.end()


def still_learning(loss: float) -> float:
    """The loss of a step. Raises `ConfigurationError` where it is no number: what is left behind would be no model."""
    if not math.isfinite(loss):
        raise ConfigurationError(f"the loss is {loss}: the training ran away; a lower learning rate may hold it")
    return loss


class _Fitting:
    """A training between two epochs; everything that the next one depends on is in `state()`."""

    def __init__(
        self,
        modules: Sequence[nn.Module],
        *,
        items: int,
        schedule: Schedule,
        generator: Generator,
        device: torch.device,
    ) -> None:
        if not items:
            raise ConfigurationError("there is nothing to learn from")
        self.modules = modules
        self.device = device
        self._move(device)
        self.schedule = schedule
        self.generator = generator
        self.items = items
        self.batch = min(schedule.batch, items)
        self.steps = schedule.epochs * (items // self.batch)
        self.parameters = [parameter for module in modules for parameter in module.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self.rates = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, schedule.learning_rate, total_steps=self.steps, pct_start=0.15
        )
        self.averages = [deepcopy(module.state_dict()) for module in modules] if schedule.average else []
        """Where the schedule has an average, that of the modules' tensors over the steps."""
        self.steps_done = 0
        self.epochs: list[dict[str, float]] = []
        self.best: list[dict[str, Any]] = []
        """Of the best epoch, the modules' tensors, where the schedule has patience."""

    @property
    def finished(self) -> bool:
        """Whether the schedule is at its end, or at that of its patience."""
        if len(self.epochs) >= self.schedule.epochs:
            return True
        return self.schedule.patience is not None and self._stale() >= self.schedule.patience

    def run_epoch(self, loss_of: Callable[[Tensor], Tensor], *, report: Callable[[int, float], None]) -> None:
        """One pass over the items; steps done and their loss are reported."""
        for module in self.modules:
            module.train()
        order = torch.randperm(self.items, generator=self.generator)
        batches = order[: self.items // self.batch * self.batch].view(-1, self.batch)
        losses: list[float] = []
        for chosen in batches:
            loss = loss_of(chosen)
            self.optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.parameters, LONGEST_STEP)
            self.optimizer.step()
            self.rates.step()
            self.steps_done += 1
            for module, averages in zip(self.modules, self.averages, strict=False):
                follow(averages, module.state_dict(), share=self.schedule.average, steps_done=self.steps_done)
            losses.append(still_learning(loss.item()))
            report(len(self.epochs) * len(batches) + len(losses), losses[-1])
        rate = float(self.rates.get_last_lr()[0])
        mean = math.fsum(losses) / len(losses)
        self.epochs.append({"epoch": len(self.epochs) + 1, "loss": mean, "learning_rate": rate})
        self._rest()

    def judge(self, dev: Callable[[], Scores] | None) -> None:
        """Note what the last epoch is worth, and its weights if they are the best so far and that matters."""
        if dev is None:
            return
        self._move(CPU)
        learning = [deepcopy(module.state_dict()) for module in self.modules] if self.averages else []
        self._fill(self.averages)
        scores = dev()
        self.epochs[-1] |= {f"dev_{name}": float(getattr(scores, name)) for name in _DEV}
        if self.schedule.patience is not None and self._stale() == 0:
            self.best = [deepcopy(module.state_dict()) for module in self.modules]
        self._fill(learning)
        self._move(self.device)

    def end(self) -> None:
        """Leave the modules with the weights that stay, in `eval()`."""
        self._move(CPU)
        self._fill(self.best or self.averages)
        self._rest()

    def state(self) -> dict[str, Any]:
        """Everything the rest depends on, torch's own generator (of dropout) as well."""
        return {
            "modules": [module.state_dict() for module in self.modules],
            "optimizer": self.optimizer.state_dict(),
            "rates": self.rates.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "epochs": self.epochs,
            "best": self.best,
            "averages": self.averages,
            "steps_done": self.steps_done,
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `state` gave; None: from the beginning."""
        if state is None:
            return
        for module, tensors in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(tensors)
        self.optimizer.load_state_dict(state["optimizer"])
        self.rates.load_state_dict(state["rates"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        if state["cuda"]:
            torch.cuda.set_rng_state_all(state["cuda"])
        self.epochs, self.best = list(state["epochs"]), list(state["best"])
        self.averages, self.steps_done = list(state["averages"]), state["steps_done"]

    def _stale(self) -> int:
        """Epochs since the best one, the first of equals."""
        found = [epoch[_CHOOSES] for epoch in self.epochs]
        return len(found) - 1 - found.index(max(found)) if found else 0

    def _move(self, device: torch.device) -> None:
        for module in self.modules:
            module.to(device)

    def _fill(self, states: Sequence[Mapping[str, Any]]) -> None:
        for module, tensors in zip(self.modules, states, strict=False):
            module.load_state_dict(tensors)

    def _rest(self) -> None:
        for module in self.modules:
            module.eval()
