"""What one unit of the ablation learns from and is measured on: whole dialogues over tokens that are made once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.corpora.base import Dialogue, Turn
from engine.training.corpora.featured import FeaturedTurns
from engine.training.material.batches import Assembler
from engine.training.material.tokens import TokenBank

_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Material:
    """One fold: no dialogue is in two parts, and the scale of every token is that of the training part."""

    train: "Part"
    test: "Part"
    dev: "Part | None" = None
    """Dialogues to choose by; None: they are taken out of `train`."""


@dataclass(frozen=True, slots=True)
class Part:
    """Dialogues, and what their media have become."""

    dialogues: Sequence[Dialogue]
    tokens: Assembler

    @property
    def labels(self) -> NDArray[np.int64]:
        """`[N]`, dialogue after dialogue."""
        return np.array([turn.label for one in self.dialogues for turn in one], dtype=np.int64)


def of_features(train: FeaturedTurns, test: FeaturedTurns, *, face: bool) -> Material:
    """Vectors as sequences of one token; without `face` no turn has a picture."""
    scales = _Scale.over(train.audio), _Scale.over(train.face[_seen(train)] if face else train.face[:0])
    return Material(train=_featured(train, scales, face=face), test=_featured(test, scales, face=face))


Encoded = tuple[Sequence[Dialogue], TokenBank]
"""Dialogues, and the tokens of their media by frozen encoders."""


def of_banks(train: Encoded, dev: Encoded, test: Encoded) -> Material:
    """Dialogues with parts of their own."""
    _, bank = train
    scales = (
        _Scale.over(torch.cat([versions[0] for versions in bank.voices.values()]).numpy()),
        _Scale.over(torch.cat([cells[0] for cells in bank.faces.values()]).numpy()),
    )
    return Material(train=_encoded(train, scales), dev=_encoded(dev, scales), test=_encoded(test, scales))


@dataclass(frozen=True, slots=True)
class _Scale:
    mean: Tensor
    spread: Tensor

    @classmethod
    def over(cls, tokens: NDArray[np.float32]) -> "_Scale":
        """Of tokens `[N, D]`; without any, nothing is scaled."""
        if not len(tokens):
            return cls(torch.zeros(tokens.shape[1]), torch.ones(tokens.shape[1]))
        mean, spread = tokens.mean(axis=0, dtype=np.float64), tokens.std(axis=0, dtype=np.float64)
        return cls(torch.from_numpy(mean).float(), torch.from_numpy(spread).float().clamp(min=_LEAST_SPREAD))

    def __call__(self, tokens: Tensor) -> Tensor:
        return (tokens - self.mean) / self.spread


def _assembler(bank: TokenBank, scales: tuple[_Scale, _Scale]) -> Assembler:
    voice, face = scales
    return Assembler(
        bank=TokenBank(
            voices={name: [voice(versions[0])] for name, versions in bank.voices.items()},
            faces={index: face(cells[:1]) for index, cells in bank.faces.items()},
        ),
        audio_width=len(voice.mean),
        video_width=len(face.mean),
    )


def _encoded(part: Encoded, scales: tuple[_Scale, _Scale]) -> Part:
    dialogues, bank = part
    return Part(dialogues, _assembler(bank, scales))


def _featured(turns: FeaturedTurns, scales: tuple[_Scale, _Scale], *, face: bool) -> Part:
    seen = _seen(turns) & face
    bank = TokenBank(
        voices={str(row): [token[None]] for row, token in enumerate(torch.from_numpy(turns.audio))},
        faces={row: torch.from_numpy(turns.face[row])[None, None] for row in np.flatnonzero(seen).tolist()},
    )
    found: dict[int, list[Turn]] = {}
    for row, (name, speaker, label) in enumerate(zip(turns.dialogues, turns.speakers, turns.labels, strict=True)):
        turn = Turn(speaker=str(speaker), label=int(label), voice=str(row), face=row if seen[row] else None)
        found.setdefault(int(name), []).append(turn)
    return Part([tuple(one) for one in found.values()], _assembler(bank, scales))


def _seen(turns: FeaturedTurns) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(turns.face).all(axis=1))
