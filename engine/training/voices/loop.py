"""The training loop of a voice encoder, whose whole state is a value that can be kept and gone on from."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from engine.training.keeping import Epoch
from engine.training.voices.augmentation import Versions, mixup
from engine.training.voices.classifier import VoiceClassifier, learned_encoder
from engine.training.voices.folds import Part
from engine.training.voices.recipe import VoiceRecipe

_LONGEST_STEP = 5.0
_WARM_UP = 0.15


class Fitting:
    """A classifier while it learns a fold's training part.

    `averaged` is what is measured: the moving average of the classifier's tensors over the steps. Everything that the
    next epoch depends on is in `state()`, torch's own generator (of dropout) as well.
    """

    def __init__(self, parts: Sequence[Part], recipe: VoiceRecipe, *, seed: int) -> None:
        self.recipe = recipe
        self.schedule = recipe.training
        torch.manual_seed(seed)
        self.generator = Generator().manual_seed(seed)
        sizes = [len(part.corpus.classes) for part in parts]
        self.classifier = VoiceClassifier(
            learned_encoder(recipe.voice_encoder), classes=sizes, dropout=self.schedule.dropout
        )
        # As the encoder has its maps.
        for parameter in self.classifier.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.classifier).eval().requires_grad_(False)
        voices = [voice for part in parts for voice in part.train]
        spectrum = self.classifier.encoder.spectrum
        self.versions = Versions(voices, recipe.augmentation, spectrum, seed=seed)
        self.frames = round(self.schedule.crop_s * spectrum.sample_rate_hz / spectrum.hop_length)
        self.corpus = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(p.train) for p in parts]))
        firsts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        labels = torch.tensor([voice.label for voice in voices]) + firsts[self.corpus]
        self.targets = F.one_hot(labels, sum(sizes)).float()
        self.parameters = list(self.classifier.parameters())
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=self.schedule.learning_rate, weight_decay=self.schedule.weight_decay
        )
        self.steps_an_epoch = len(voices) // self.schedule.batch
        self.rates = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            self.schedule.learning_rate,
            total_steps=self.schedule.epochs * self.steps_an_epoch,
            pct_start=_WARM_UP,
        )
        self.epoch = 0
        self.steps = 0

    @property
    def finished(self) -> bool:
        """Whether the schedule is at its end."""
        return self.epoch >= self.schedule.epochs

    def run_epoch(self, *, stepped: Callable[[float], None]) -> Epoch:
        """One pass over the training part; the loss of every step is told."""
        order = torch.randperm(len(self.targets), generator=self.generator)
        batches = order[: self.steps_an_epoch * self.schedule.batch].view(-1, self.schedule.batch)
        self.classifier.train()
        losses = []
        for chosen in batches:
            losses.append(self._step(chosen))
            stepped(losses[-1])
        self.epoch += 1
        return Epoch(self.epoch, math.fsum(losses) / len(losses), float(self.rates.get_last_lr()[0]))

    def _step(self, chosen: Tensor) -> float:
        frames = self.versions.stretches(chosen.tolist(), self.generator, frames=self.frames)
        mask = torch.ones(frames.shape[:2], dtype=torch.bool)
        corpus = self.corpus[chosen]
        beta = self.recipe.augmentation.mixup
        frames, targets = mixup(frames, self.targets[chosen], corpus, beta=beta, generator=self.generator)
        with torch.autocast("cpu", torch.bfloat16):
            said = self.classifier(frames, mask, corpus)
        loss = self.classifier.loss(said, targets, corpus, smoothing=self.schedule.label_smoothing)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.parameters, _LONGEST_STEP)
        self.optimizer.step()
        if self.steps + 1 < self.schedule.epochs * self.steps_an_epoch:
            self.rates.step()
        self.steps += 1
        self._average()
        return loss.item()

    def state(self) -> dict[str, Any]:
        """Everything the rest of the training depends on, after an epoch."""
        return {
            "classifier": self.classifier.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rates": self.rates.state_dict(),
            "generator": self.generator.get_state(),
            "dropout": torch.get_rng_state(),
            "epoch": self.epoch,
            "steps": self.steps,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for name in ("classifier", "averaged", "optimizer", "rates"):
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["dropout"])
        self.epoch, self.steps = state["epoch"], state["steps"]

    @torch.no_grad()
    def _average(self) -> None:
        # A young average is mostly the beginning, so it follows more closely at first.
        kept = min(self.schedule.average, (1 + self.steps) / (10 + self.steps))
        for old, new in zip(self.averaged.state_dict().values(), self.classifier.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - kept)
            else:
                old.copy_(new)
