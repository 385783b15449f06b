"""The training loop of a face encoder, whose whole state is a value that can be kept and gone on from."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Generator, Tensor, nn

from engine.errors import ConfigurationError
from engine.features.crops import framed, standardised
from engine.features.dan import DanEncoder
from engine.features.efficientface import EfficientFaceEncoder
from engine.layers.layout import channels_together
from engine.training.corpora.base import FaceSet
from engine.training.fitting.average import follow
from engine.training.fitting.fit import LONGEST_STEP, still_learning
from engine.training.material import augment
from engine.training.recipe import EVERY_LOOK
from engine.training.recognition.losses import Loss
from engine.training.recognition.recipe import FaceRecipe

RecognitionEncoder = DanEncoder | EfficientFaceEncoder


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the data gave."""

    number: int
    loss: float
    learning_rate: float
    """Of the step that comes next."""


class Fitting:
    """An encoder while it learns.

    `averaged` is what is served: the moving average of the encoder's tensors over the steps. Everything that the next
    step depends on is in `state()`. Raises `ConfigurationError`: fewer pictures than a batch has.
    """

    def __init__(self, encoder: RecognitionEncoder, loss: Loss, faces: FaceSet, *, recipe: FaceRecipe) -> None:
        self.schedule = recipe.training
        if len(faces.labels) < self.schedule.batch:
            raise ConfigurationError(
                f"recipe {recipe.name}: {len(faces.labels)} pictures to learn from are less than a batch of "
                f"{self.schedule.batch}"
            )
        self.encoder = encoder
        channels_together(encoder.network)
        self.averaged = copy.deepcopy(encoder).eval().requires_grad_(False)
        self.loss = loss
        self.images = torch.from_numpy(faces.images)
        self.labels = torch.from_numpy(faces.labels)
        self.parameters = [*encoder.network.parameters(), *loss.parameters()]
        self.steps_an_epoch = len(self.labels) // self.schedule.batch
        self.steps = self.schedule.epochs * self.steps_an_epoch
        self._begin(0)
        self.generator = Generator().manual_seed(recipe.seed)
        self.order = torch.randperm(len(self.labels), generator=self.generator)
        self.done = 0
        self.losses: list[float] = []

    @property
    def epoch(self) -> int:
        """Number of epochs that are done."""
        return self.done // self.steps_an_epoch

    @property
    def finished(self) -> bool:
        """Whether the schedule is at its end."""
        return self.epoch >= self.schedule.epochs

    def step(self) -> None:
        """One batch. Raises `ConfigurationError` where its loss is no number."""
        place = self.done % self.steps_an_epoch
        chosen = self.order[place * self.schedule.batch : (place + 1) * self.schedule.batch]
        self.encoder.train()
        pictures = self._pictures(chosen)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.schedule.half):
            output = self.encoder.network(pictures)
        loss = self.loss(output, self.labels[chosen])
        worth = still_learning(loss.item())
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.parameters, LONGEST_STEP)
        self.optimizer.step()
        self.done += 1
        self.losses.append(worth)
        tensors = self.encoder.state_dict()
        follow(self.averaged.state_dict(), tensors, share=self.schedule.average, steps_done=self.done)
        if self.done % self.steps_an_epoch == 0:
            self.order = torch.randperm(len(self.labels), generator=self.generator)
        if self.done not in self._ends():
            self.rates.step()
        elif not self.finished:
            self.encoder.load_state_dict(self.averaged.state_dict())
            self._begin(self._cycle())

    def run_epoch(self, *, stop: Callable[[], bool], report: Callable[[int, int, float], None]) -> Epoch | None:
        """The rest of the epoch; None where `stop` said so after a step. Steps done and in all are reported."""
        while True:
            self.step()
            report(self.done, self.steps, self.losses[-1])
            if self.done % self.steps_an_epoch == 0:
                result = Epoch(
                    number=self.epoch,
                    loss=math.fsum(self.losses) / len(self.losses),
                    learning_rate=float(self.rates.get_last_lr()[0]),
                )
                self.losses = []
                return result
            if stop():
                return None

    def state(self) -> dict[str, Any]:
        """Everything the rest of the training depends on."""
        return {
            "encoder": self.encoder.state_dict(),
            "averaged": self.averaged.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rates": self.rates.state_dict(),
            "generator": self.generator.get_state(),
            "order": self.order,
            "done": self.done,
            "losses": self.losses,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.generator.set_state(state["generator"])
        self.order, self.done, self.losses = state["order"], state["done"], list(state["losses"])
        self._begin(self._cycle())
        for name in ("encoder", "averaged", "loss", "optimizer", "rates"):
            getattr(self, name).load_state_dict(state[name])

    def _ends(self) -> list[int]:
        """Number of steps that are done at the end of each cycle."""
        return [epochs * self.steps_an_epoch for epochs in accumulate(cycle.epochs for cycle in self.schedule.cycles)]

    def _cycle(self) -> int:
        """Index of the cycle that the next step is in, or was the last."""
        return min(sum(self.done >= end for end in self._ends()), len(self.schedule.cycles) - 1)

    def _begin(self, index: int) -> None:
        cycle = self.schedule.cycles[index]
        for encoder in (self.encoder, self.averaged):
            encoder.side, encoder.crop = cycle.side, cycle.crop
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=cycle.learning_rate, weight_decay=self.schedule.weight_decay
        )
        self.rates = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            cycle.learning_rate,
            total_steps=cycle.epochs * self.steps_an_epoch,
            pct_start=cycle.warm_up,
        )

    def _pictures(self, chosen: Tensor) -> Tensor:
        images = framed(self.images[chosen].float()[:, None] / 255, side=self.encoder.side, crop=self.encoder.side)[
            :, 0
        ]
        looks = EVERY_LOOK.weakened(self.schedule.augmentation)
        moved = augment.faces(images, generator=self.generator, side=self.encoder.crop, looks=looks)
        return standardised(moved).contiguous(memory_format=torch.channels_last)
