"""One training of causal AVAFN over a table of tokens: a fixed schedule, and nothing held back to stop by."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from engine.dialogue.causal import CausalDialogue
from engine.fusion.builders import avafn
from engine.training.evidence.panel import Lender, Panel
from engine.training.evidence.setting import Setting
from engine.training.evidence.tokens import Tokens, Voices
from engine.training.fitting.study import both_heads, learn
from engine.training.learned.encoders import class_weights

_TRUST = 0.7
"""At the start: a shrunken discriminant is a little too sure of itself."""
_LEAST_SHARE = 1e-4


class Avafn(nn.Module):
    """The CAM over one voice token a turn, and the causal dialogue states; `alone`: the same cells without history.

    What both say is added to the linear front's scores, under one learned factor: as in Bayes' rule, the front tells
    how likely each class makes this voice, the states what to expect here. At the start that is the front alone.
    """

    def __init__(self, *, heard: int, shares: Tensor, width: int, dropout: float, alone: bool) -> None:
        """`heard`: features of a token; `shares` `[7]` of the classes in the loss."""
        super().__init__()
        self.alone = alone
        self.fusion = avafn(
            audio_width=heard, video_width=1, width=width, feed_forward_width=2 * width, dropout=dropout
        )
        self.states = CausalDialogue(width=width, dropout=dropout, ablation="single_turn" if alone else None)
        self.trust = nn.Parameter(torch.tensor(_TRUST))
        for head in (self.fusion.head, self.states.classifier):
            nn.init.zeros_(head.weight)
            head.bias.data = shares.clamp(min=_LEAST_SHARE).log()

    def forward(self, tokens: Tensor, scores: Tensor, batch: Panel) -> tuple[Tensor, Tensor]:
        """Logits `[N, 7]` of the fusion's own head and of the states, a row a real turn.

        tokens `[N, D]`; scores `[N, 7]` of the linear front.
        """
        heard, seen = torch.ones(len(tokens), 1, dtype=torch.bool), torch.zeros(len(tokens), 0, dtype=torch.bool)
        fused = self.fusion.fuse(tokens[:, None], heard, tokens.new_zeros(len(tokens), 0, 1), seen)
        real = batch.real
        u = fused.u.new_zeros(*real.shape, fused.u.shape[1])
        v = torch.zeros_like(u)
        u[real], v[real] = fused.u, fused.v
        logits, _ = self.states(u, v, batch.speakers, batch.lengths)
        told = self.trust * scores
        return fused.logits + told, logits[real] + told


def fit(tokens: Tokens, setting: Setting, *, seed: int, alone: bool = False) -> Avafn:
    """Train on every dialogue of the training part."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    labels = tokens.learn.labels[tokens.learn.real]
    weights, lender = class_weights(labels.numpy(), balance=setting.class_power), Lender(labels)
    model = Avafn(
        heard=tokens.train.heard.shape[1],
        shares=weights * labels.bincount(minlength=len(weights)) / len(labels),
        width=setting.width,
        dropout=setting.dropout,
        alone=alone,
    )

    def loss_of(rows: Tensor) -> Tensor:
        batch = tokens.learn.at(rows)
        lent = lender.lend(batch, chance=setting.borrow, generator=generator)
        if alone:
            batch = replace(batch, turns=lent).alone()
            lent = batch.turns
        voices = _noised(tokens.train.at(lent[batch.real]), setting, generator)
        own, contextual = model(voices.heard, voices.scores, batch)
        return both_heads(own, contextual, batch.labels[batch.real], weights, setting)

    for _ in learn(model, loss_of, lengths=tokens.learn.lengths, schedule=setting, generator=generator):
        pass  # nothing is held back that an epoch could be chosen by
    return model.eval()


@torch.no_grad()
def chances(model: Avafn, voices: Voices, asked: Panel) -> NDArray[np.float64]:
    """`[N, 7]` of every turn asked, from the turns up to it; `voices` is the table that `asked` points into."""
    panel = asked.alone() if model.alone else asked
    here = voices.at(panel.turns[panel.real])
    _, logits = model(here.heard, here.scores, panel)
    said: NDArray[np.float64] = logits.double().softmax(dim=1).numpy()
    return said


def _noised(voices: Voices, setting: Setting, generator: Generator) -> Voices:
    noise = torch.randn(voices.heard.shape, generator=generator) * voices.heard.std(dim=0, keepdim=True)
    return replace(voices, heard=voices.heard + setting.token_noise * noise)
