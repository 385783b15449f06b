"""The stage of the backward cells: turns in windows of their next K, over a dialogue model that stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.calibration import probabilities
from engine.decision import DialogueStates
from engine.dialogue.revision import Revision
from engine.errors import ConfigurationError
from engine.fusion.builders import AnyFusion
from engine.revisions import moved
from engine.training.corpora.base import Dialogue
from engine.training.fitting.fit import Following, fit
from engine.training.learned.encoders import class_weights
from engine.training.material.batches import Assembler, DialogueBatch
from engine.training.recipe import DialogueTraining, RevisionTraining

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class TwoLooks:
    """N turns of whole dialogues, in order, as they are said at once and at a second look."""

    first: NDArray[np.float64]
    """Logits `[N, 7]` of the forward states."""
    second: NDArray[np.float64]
    """Logits `[N, 7]` of the window that begins with the turn."""
    later: NDArray[np.bool_]
    """`[N]` a turn follows in the dialogue; the others are not looked at again."""
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Told:
    """What subscribers have of the same turns."""

    first: NDArray[np.float64]
    """Probabilities `[N, 7]` as they are said at once."""
    last: NDArray[np.float64]
    """`[N, 7]` of what was said last of each turn."""
    again: NDArray[np.bool_]
    """`[N]` the turn was said again."""


def train_revision(
    fusion: AnyFusion,
    states: DialogueStates,
    dialogues: Sequence[Dialogue],
    assembler: Assembler,
    *,
    schedule: RevisionTraining,
    chances: DialogueTraining,
    seed: int,
    following: Following,
) -> None:
    """Train the backward cells and their classifier; fusion and states, in `eval()`, are read and not changed.

    What the classifier reads off the forward E begins as the states' own has it, so that the training is left
    with what later turns change. The dialogues vary as they did for the states (`chances`), so that a window may lack a
    modality or a participant.
    """
    generator = torch.Generator().manual_seed(seed)
    weights = class_weights(np.array([turn.label for one in dialogues for turn in one]), balance=schedule.balance)
    _begin(states)

    def loss_of(chosen: Tensor) -> Tensor:
        batch = assembler.varied([dialogues[index] for index in chosen.tolist()], chances, generator)
        _, logits = _looks(fusion, states, batch)
        return F.cross_entropy(logits, batch.labels, weights, label_smoothing=schedule.label_smoothing)

    fit(
        "revision",
        [cells(states)],
        loss_of,
        items=len(dialogues),
        schedule=schedule,
        generator=generator,
        following=following,
    )


@torch.no_grad()
def look_twice(
    fusion: AnyFusion,
    states: DialogueStates,
    dialogues: Sequence[Dialogue],
    assembler: Assembler,
) -> TwoLooks:
    """Both looks at every turn of these dialogues, as they are."""
    first, second, later, labels = [], [], [], []
    for start in range(0, len(dialogues), _AT_ONCE):
        batch = assembler.plain(dialogues[start : start + _AT_ONCE])
        one, other = _looks(fusion, states, batch)
        follows = torch.arange(batch.real.shape[1]) < batch.lengths[:, None] - 1
        first.append(one.double().numpy())
        second.append(other.double().numpy())
        later.append(follows[batch.real].numpy())
        labels.append(batch.labels.numpy())
    return TwoLooks(*map(np.concatenate, (first, second, later, labels)))


def told(looks: TwoLooks, *, temperature: float, revised_temperature: float, abstain_below: float) -> Told:
    """What a stream says of these turns: again where label or distribution changed, as `engine.revisions` has it."""
    first = probabilities(looks.first, temperature=temperature)
    second = probabilities(looks.second, temperature=revised_temperature)

    def labels(chances: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.where(chances.max(axis=1) < abstain_below, -1, chances.argmax(axis=1))

    again = looks.later & ((labels(first) != labels(second)) | moved(first, second))
    return Told(first=first, last=np.where(again[:, None], second, first), again=again)


def cells(states: DialogueStates) -> Revision:
    """What these states look again with. Raises `ConfigurationError` where they do not."""
    if states.revision is None:
        raise ConfigurationError("these states have no backward cells; say [revision] turns in the recipe")
    return states.revision


@torch.no_grad()
def _begin(states: DialogueStates) -> None:
    classifier, own = cells(states).classifier, states.dialogue.classifier
    # The other half stays as it was drawn: from zeros, the backward cells learn several times as slowly.
    classifier.weight[:, : own.in_features] = own.weight
    classifier.bias.copy_(own.bias)


def _looks(fusion: AnyFusion, states: DialogueStates, batch: DialogueBatch) -> tuple[Tensor, Tensor]:
    """Logits `[N, 7]` of the first and of the second look."""
    with torch.no_grad():
        fused = fusion.fuse(batch.audio, batch.audio_mask, batch.video, batch.video_mask)
        u, v = states.padded(fused, batch.real)
        first, emotion = states.dialogue(u, v, batch.speakers, batch.lengths, batch.announced)
    second = cells(states)(u, v, batch.speakers, emotion, batch.lengths)
    return first[batch.real], second[batch.real]
