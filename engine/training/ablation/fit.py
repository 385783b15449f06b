"""One variant of AVAFN trained on one fold: its epoch is chosen on dialogues of the training part."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.fusion.builders import AnyFusion, fusion
from engine.training.ablation.material import Material, Part
from engine.training.ablation.variants import CONTROL, NO_CAM, Direction, states
from engine.training.corpora.base import Dialogue
from engine.training.fitting.study import Schedule, both_heads, learn
from engine.training.learned.encoders import class_weights
from engine.training.material.batches import DialogueBatch
from engine.training.scoring.scores import weighted_f1

_AT_ONCE = 128
_DEV_SHARE = 0.15
"""Of the training dialogues, on which the epoch is chosen where a corpus has no dev part."""

Epoch = Callable[[int, int, float], None]
"""Epochs done, epochs in all, the last loss."""


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
    part, dev = (material.train, material.dev) if material.dev else _split(material.train, seed=seed)
    weights = class_weights(part.labels, balance=schedule.class_power)
    model = _model(material, variant, direction, schedule)
    modules = nn.ModuleList([model.fusion, model.states])

    def loss_of(rows: Tensor) -> Tensor:
        batch = part.tokens.plain(model.fed([part.dialogues[row] for row in rows]))
        own, contextual = model.say(_noised(batch, schedule.token_noise, generator))
        return both_heads(own, contextual, batch.labels, weights, schedule)

    lengths = torch.tensor([len(dialogue) for dialogue in part.dialogues])
    epochs = learn(modules, loss_of, lengths=lengths, schedule=schedule, generator=generator)
    best, chosen, reached = copy.deepcopy(modules.state_dict()), 0, -np.inf
    for epoch, loss in enumerate(epochs, start=1):
        score = weighted_f1(dev.labels, _predict(model, modules, dev).argmax(axis=1))
        if score > reached:
            best, chosen, reached = copy.deepcopy(modules.state_dict()), epoch, score
        epoch_done(epoch, schedule.epochs, loss)
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


def _split(train: Part, *, seed: int) -> tuple[Part, Part]:
    """Dialogues to learn from and dialogues to choose by."""
    order = np.random.default_rng(seed).permutation(len(train.dialogues)).tolist()
    held = max(1, round(_DEV_SHARE * len(order)))
    rest, dev = ([train.dialogues[row] for row in rows] for rows in (order[held:], order[:held]))
    return Part(rest, train.tokens), Part(dev, train.tokens)
