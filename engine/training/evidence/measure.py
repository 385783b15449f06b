"""The test part, read once: the chosen setting, its control without history, and the linear front alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.training.corpora.base import Turn
from engine.training.corpora.featured import FeaturedTurns
from engine.training.evidence.fit import chances, fit
from engine.training.evidence.linear import discriminant, log_shares
from engine.training.evidence.panel import Panel, panel
from engine.training.evidence.setting import Setting
from engine.training.evidence.tokens import tokens
from engine.training.measured.withheld import without_each
from engine.training.scoring import intervals
from engine.training.scoring.intervals import Interval
from engine.training.scoring.scores import score, weighted_f1

_DRAWS = 4000

Chances = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """What one fold's trainings say of its test turns."""

    linear: Chances
    """`[M, 7]`"""
    causal: Chances
    """`[seeds, M, 7]`"""
    control: Chances
    withheld: Chances
    """`[W, 7]` of the ensemble, of every dialogue once without each of its parties."""
    places: NDArray[np.int64]
    """`[W]` which test turn each of them is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: weighted F1 over all test turns, unless its name says of which."""

    name: str
    weighted_f1: Interval
    macro_f1: float


def say(train: FeaturedTurns, test: FeaturedTurns, setting: Setting, *, seeds: int) -> Said:
    """Train `seeds` models and as many controls on a fold, and ask them."""
    heard = tokens(train, test, setting)
    models = [fit(heard, setting, seed=seed) for seed in range(seeds)]
    controls = [fit(heard, setting, seed=seed, alone=True) for seed in range(seeds)]
    front = discriminant(train.audio, train.labels, shrinkage=setting.shrinkage)(test.audio)
    left, places = _withheld(test)
    missing = heard.test.at(torch.from_numpy(places))
    return Said(
        linear=_softmax(front + log_shares(train.labels)),
        causal=np.stack([chances(model, heard.test, heard.ask) for model in models]),
        control=np.stack([chances(model, heard.test, heard.ask) for model in controls]),
        withheld=np.mean([chances(model, missing, left) for model in models], axis=0),
        places=places,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A corpus's table."""

    rows: Sequence[Row]
    seeds: Sequence[float]
    """Weighted F1 of each model alone."""
    control_seeds: Sequence[float]
    over_control: Interval
    """The ensemble's gain, paired, by dialogue."""
    over_linear: Interval


def measure(tests: Sequence[FeaturedTurns], said: Sequence[Said]) -> Measured:
    """All folds together."""
    labels = np.concatenate([part.labels for part in tests])
    dialogues = np.concatenate([part.dialogues for part in tests])
    linear = np.concatenate([one.linear for one in said])
    causal, control = (np.concatenate(side, axis=1) for side in ([s.causal for s in said], [s.control for s in said]))
    firsts = np.cumsum([0, *(len(part.labels) for part in tests[:-1])])
    places = np.concatenate([one.places + first for one, first in zip(said, firsts, strict=True)])
    withheld = np.concatenate([one.withheld for one in said])
    whole = causal.mean(axis=0)

    def row(name: str, of: Chances, at: NDArray[np.int64]) -> Row:
        predicted = of.argmax(axis=1)
        metric = intervals.weighted_f1(labels[at], predicted)
        return Row(
            name, intervals.interval(metric, dialogues[at], seed=0, draws=_DRAWS), score(labels[at], of).macro_f1
        )

    def above(worse: Chances) -> Interval:
        better, baseline = (intervals.weighted_f1(labels, of.argmax(axis=1)) for of in (whole, worse))
        return intervals.interval(intervals.gain(better, baseline), dialogues, seed=0, draws=_DRAWS)

    every = np.arange(len(labels))
    return Measured(
        rows=[
            row("linear front alone", linear, every),
            row("single turn, ensemble", control.mean(axis=0), every),
            row("causal, ensemble", whole, every),
            row("turns beside which a party is withheld, everybody heard", whole[places], places),
            row("the same turns, one party withheld", withheld, places),
        ],
        seeds=[weighted_f1(labels, one.argmax(axis=1)) for one in causal],
        control_seeds=[weighted_f1(labels, one.argmax(axis=1)) for one in control],
        over_control=above(control.mean(axis=0)),
        over_linear=above(linear),
    )


def _withheld(turns: FeaturedTurns) -> tuple[Panel, NDArray[np.int64]]:
    whole: dict[int, list[Turn]] = {}
    for name, speaker, label in zip(turns.dialogues, turns.speakers, turns.labels, strict=True):
        whole.setdefault(int(name), []).append(Turn(speaker=str(speaker), label=int(label), voice=None, face=None))
    left, places = without_each([tuple(one) for one in whole.values()])
    numbers = np.repeat(np.arange(len(left)), [len(one) for one in left])
    return panel(turns.labels[places], turns.speakers[places], numbers), places


def _softmax(scores: Chances) -> Chances:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
