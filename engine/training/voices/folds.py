"""Who is held out of a training: the same fold of every corpus at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.training import protocols
from engine.training.corpora.base import Voice
from engine.training.voices.material import Corpus
from engine.training.voices.recipe import Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """The voices of one corpus in one fold."""

    corpus: Corpus
    train: Sequence[Voice]
    test: Sequence[Voice]


@dataclass(frozen=True, slots=True)
class Split:
    """Every fold over all corpora, and what a table has to say of them."""

    label: str
    folds: tuple[tuple[Part, ...], ...]


def split(corpora: Sequence[Corpus], protocol: Protocol) -> Split:
    """The folds of a protocol by its name. Raises `ConfigurationError`: fewer speakers than folds."""
    made = [_folds(corpus, protocol) for corpus in corpora]
    parts = [[_part(corpus, fold) for fold in folds.folds] for corpus, folds in zip(corpora, made, strict=True)]
    return Split(label=made[0].label, folds=tuple(zip(*parts, strict=True)))


def _folds(corpus: Corpus, protocol: Protocol) -> protocols.Protocol:
    if protocol.name == "random":
        return protocols.random(len(corpus.voices), seed=protocol.seed)
    speakers = np.array([voice.speaker for voice in corpus.voices])
    whole = protocols.speakers(speakers, folds=protocol.folds, seed=protocol.seed)
    if protocol.name == "speakers":
        return whole
    first, second = whole.folds[:2]
    inner = protocols.Fold(np.setdiff1d(first.train, second.test), second.test)
    return protocols.Protocol("speakers", f"for choosing: fold 2 of {protocol.folds}, without fold 1", (inner,))


def _part(corpus: Corpus, fold: protocols.Fold) -> Part:
    train, test = ([corpus.voices[row] for row in rows] for rows in (fold.train, fold.test))
    return Part(corpus, train, test)
