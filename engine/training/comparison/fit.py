"""One fusion model trained on one fold of a task, alike for all: every choice is made inside the training part."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.fusion.base import Fused
from engine.fusion.losses import own_loss
from engine.training.comparison.contenders import Contender, build
from engine.training.comparison.measure import measure
from engine.training.comparison.task import Task, Tokens
from engine.training.fitting.fit import still_learning
from engine.training.protocols import Fold

_EVALUATED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Schedule:
    """How every model learns: AdamW under a one-cycle rate, the best epoch by the dev part."""

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dev_share: float = 0.15
    """Of the training part's groups, on which the epoch is chosen."""
    missing: float = 0.0
    """How often an utterance in training loses its voice, and how often its face; one modality always stays."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model after its training, and the scale of its inputs."""

    model: Contender
    scales: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]
    """Mean and spread `[D]` of the audio's and the video's tokens in the training part."""
    epoch: int
    dev: float

    def fused(self, audio: Tokens, video: Tokens) -> Fused:
        """Utterances through the model, as one batch."""
        audio, video = _scaled(audio, self.scales[0]), _scaled(video, self.scales[1])
        return self.model.fuse(audio.values, audio.mask, video.values, video.mask)


def fit(name: str, numbers: Mapping[str, Any], task: Task, fold: Fold, *, schedule: Schedule, seed: int) -> Fitted:
    """Train the model `name` with these numbers on the fold's training part."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    learn, dev = _split(task, fold, share=schedule.dev_share, seed=seed)
    scales = _scale(task.audio, learn), _scale(task.video, learn)
    model = build(name, numbers, task)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    steps = schedule.epochs * max(1, len(learn) // schedule.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.2)
    fitted = Fitted(model=model, scales=scales, epoch=0, dev=-np.inf)
    best = copy.deepcopy(model.state_dict())
    for epoch in range(1, schedule.epochs + 1):
        model.train()
        order = torch.from_numpy(learn)[torch.randperm(len(learn), generator=generator)]
        whole = max(1, len(order) // schedule.batch) * schedule.batch
        for rows in torch.split(order[:whole], schedule.batch):
            audio, video = _some_missing(task.audio[rows], task.video[rows], schedule.missing, generator)
            fused = fitted.fused(audio, video)
            optimizer.zero_grad()
            loss = own_loss(
                fused,
                task.target[rows],
                audio_present=audio.mask.any(dim=1),
                video_present=video.mask.any(dim=1),
            )
            still_learning(loss.item())
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            rates.step()
        reached = measure(task, dev, predict(fitted, task, dev))
        if reached > fitted.dev:
            fitted = replace(fitted, epoch=epoch, dev=reached)
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    model.eval()
    return fitted


@torch.no_grad()
def predict(
    fitted: Fitted, task: Task, rows: NDArray[np.int64], *, audio: Tokens | None = None, video: Tokens | None = None
) -> Tensor:
    """What the model says of these rows, `[R, K]`; other tokens than the task's may be given in their place."""
    fitted.model.eval()
    audio, video = audio or task.audio, video or task.video
    parts = torch.split(torch.from_numpy(rows), _EVALUATED_AT_ONCE)
    return torch.cat([fitted.fused(audio[part], video[part]).logits for part in parts])


def _split(task: Task, fold: Fold, *, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from and rows to choose by: no group is in both."""
    if fold.dev is not None:
        return fold.train, fold.dev
    train = fold.train
    names = np.unique(task.groups[train])
    np.random.default_rng(seed).shuffle(names)
    held = np.isin(task.groups[train], names[: max(1, round(share * len(names)))])
    return train[~held], train[held]


def _some_missing(audio: Tokens, video: Tokens, share: float, generator: torch.Generator) -> tuple[Tokens, Tokens]:
    draw = torch.rand(len(audio.mask), generator=generator)
    silent = (draw < share) & video.mask.any(dim=1)
    unseen = (draw >= 1 - share) & audio.mask.any(dim=1)
    return (
        Tokens(audio.values, audio.mask & ~silent[:, None]),
        Tokens(video.values, video.mask & ~unseen[:, None]),
    )


def _scale(tokens: Tokens, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    real = tokens.values[rows][tokens.mask[rows]]
    if not len(real):
        return real.new_zeros(tokens.values.shape[-1]), real.new_ones(tokens.values.shape[-1])
    return real.mean(dim=0), real.std(dim=0, correction=0).clamp(min=1e-3)


def _scaled(tokens: Tokens, scale: tuple[Tensor, Tensor]) -> Tokens:
    mean, spread = scale
    return Tokens((tokens.values - mean) / spread, tokens.mask)
