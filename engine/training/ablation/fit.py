"""One variant of AVAFN trained on one fold: its epoch is chosen on dialogues of the training part."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.fusion.builders import AnyFusion, fusion
from engine.training.ablation.material import Material, Part
from engine.training.ablation.variants import CONTROL, NO_CAM, Direction, states
from engine.training.corpora.base import Dialogue
from engine.training.fitting.fit import still_learning
from engine.training.learned.encoders import class_weights
from engine.training.material.batches import DialogueBatch
from engine.training.scoring.scores import weighted_f1

_AT_ONCE = 128

Epoch = Callable[[int, int, float], None]
"""Epochs done, epochs in all, the last loss."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How every variant of a corpus learns: AdamW under a one-cycle rate, the best epoch by the dev dialogues."""

    width: int = 64
    epochs: int = 16
    batch: int = 32
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
    dev_share: float = 0.15
    """Of the training dialogues, on which the epoch is chosen."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a trained variant says of the test part."""

    chances: NDArray[np.float64]
    """`[N, 7]`, dialogue after dialogue."""
    epoch: int
    dev: float
    """Weighted F1 of that epoch on the dev dialogues."""


@dataclass(frozen=True, slots=True)
class _Model:
    fusion: AnyFusion
    states: CausalDialogue | BidirectionalDialogue
    alone: bool

    def fed(self, dialogues: Sequence[Dialogue]) -> Sequence[Dialogue]:
        """What the control is given: every turn by itself, which its cells would make of a dialogue at more cost."""
        return [(turn,) for one in dialogues for turn in one] if self.alone else dialogues

    def say(self, batch: DialogueBatch) -> tuple[Tensor, Tensor]:
        """Logits of the fusion's own head and of the dialogue states, `[N, 7]` each, a row a real turn."""
        fused = self.fusion.fuse(batch.audio, batch.audio_mask, batch.video, batch.video_mask)
        u = fused.u.new_zeros(*batch.real.shape, fused.u.shape[1])
        v = torch.zeros_like(u)
        u[batch.real], v[batch.real] = fused.u, fused.v
        if isinstance(self.states, CausalDialogue):
            logits, _ = self.states(u, v, batch.speakers, batch.lengths)
        else:
            logits = self.states(u, v, batch.speakers, batch.lengths)
        return fused.logits, logits[batch.real]


def fit(
    material: Material, variant: str, direction: Direction, *, schedule: Schedule, seed: int, epoch_done: Epoch
) -> Fitted:
    """Train the variant on the fold's training part and let it say what it thinks of the test part."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    learn, dev = (material.train, material.dev) if material.dev else _split(material.train, schedule, seed=seed)
    weights = class_weights(learn.labels, balance=schedule.class_power)
    model = _model(material, variant, direction, schedule)
    modules = nn.ModuleList([model.fusion, model.states])
    optimizer = torch.optim.AdamW(
        modules.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    steps = schedule.epochs * -(-len(learn.dialogues) // schedule.batch)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.learning_rate, total_steps=steps, pct_start=0.2)
    best, chosen, reached = copy.deepcopy(modules.state_dict()), 0, -np.inf
    for epoch in range(1, schedule.epochs + 1):
        modules.train()
        for some in _batches(learn.dialogues, schedule.batch, generator):
            batch = learn.tokens.plain(model.fed(some))
            loss = _loss(model, _noised(batch, schedule.token_noise, generator), weights, schedule)
            optimizer.zero_grad()
            still_learning(loss.item())
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(modules.parameters(), 5.0)
            optimizer.step()
            rates.step()
        score = weighted_f1(dev.labels, _predict(model, modules, dev).argmax(axis=1))
        if score > reached:
            best, chosen, reached = copy.deepcopy(modules.state_dict()), epoch, score
        epoch_done(epoch, schedule.epochs, loss.item())
    modules.load_state_dict(best)
    return Fitted(_predict(model, modules, material.test), chosen, reached)


def _model(material: Material, variant: str, direction: Direction, schedule: Schedule) -> _Model:
    tokens, width, dropout = material.train.tokens, schedule.width, schedule.dropout
    return _Model(
        fusion=fusion(
            "avafn",
            attend=variant != NO_CAM,
            audio_width=tokens.empty_audio.shape[1],
            video_width=tokens.empty_video.shape[1],
            width=width,
            feed_forward_width=2 * width,
            dropout=dropout,
        ),
        states=states(variant, direction, width=width, dropout=dropout),
        alone=variant == CONTROL,
    )


def _loss(model: _Model, batch: DialogueBatch, weights: Tensor, schedule: Schedule) -> Tensor:
    own, contextual = model.say(batch)

    def loss(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, batch.labels, weights, label_smoothing=schedule.label_smoothing)

    return loss(contextual) + schedule.own_head * loss(own)


def _noised(batch: DialogueBatch, share: float, generator: Generator) -> DialogueBatch:
    def noised(tokens: Tensor) -> Tensor:
        draw = torch.randn(len(tokens), 1, tokens.shape[2], generator=generator)
        return tokens + share * draw

    return replace(batch, audio=noised(batch.audio), video=noised(batch.video)) if share else batch


@torch.no_grad()
def _predict(model: _Model, modules: nn.Module, part: Part) -> NDArray[np.float64]:
    modules.eval()
    some = [part.dialogues[start : start + _AT_ONCE] for start in range(0, len(part.dialogues), _AT_ONCE)]
    return np.concatenate(
        [model.say(part.tokens.plain(model.fed(one)))[1].double().softmax(dim=1).numpy() for one in some]
    )


def _batches(dialogues: Sequence[Dialogue], size: int, generator: Generator) -> list[list[Dialogue]]:
    """Batches in random order, of dialogues of about one length: a batch takes as many steps as its longest."""
    lengths = torch.tensor([len(dialogue) for dialogue in dialogues])
    order = torch.argsort(lengths + 3 * torch.rand(len(lengths), generator=generator))
    parts = torch.split(order, size)
    return [[dialogues[row] for row in parts[part]] for part in torch.randperm(len(parts), generator=generator)]


def _split(train: Part, schedule: Schedule, *, seed: int) -> tuple[Part, Part]:
    """Dialogues to learn from and dialogues to choose by."""
    order = np.random.default_rng(seed).permutation(len(train.dialogues)).tolist()
    held = max(1, round(schedule.dev_share * len(order)))
    learn, dev = ([train.dialogues[row] for row in rows] for rows in (order[held:], order[:held]))
    return Part(learn, train.tokens), Part(dev, train.tokens)
