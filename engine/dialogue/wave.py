"""One wave through the dialogue model: many dialogues, each with its own turns, in as few batched steps as can be."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.dialogue.causal import CausalDialogue
from engine.dialogue.tensors import owns, pack, unpack
from engine.signals import Tensors


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as fusion saw it, in R versions; every turn of a wave has the same R."""

    speaker: str
    u: Tensor
    """`[R, d]`: row 0 is the turn; the others are what-ifs (a modality masked) that leave no trace in the states."""
    v: Tensor
    """`[R, d]`"""


@dataclass(frozen=True, slots=True)
class Advanced:
    """One dialogue after its turns."""

    tensors: Tensors
    """The dialogue's named tensors; those that are not the dialogue model's are passed through."""
    logits: Tensor
    """`[n, R, K]` of each of its n turns, each version from the state before that turn."""
    emotion: Tensor
    """`[n, d]` E of each turn."""


@torch.no_grad()
def advance(
    dialogue: CausalDialogue,
    tensors: Sequence[Tensors],
    turns: Sequence[Sequence[Turn]],
    announced: Sequence[Sequence[str]],
) -> list[Advanced]:
    """Step every dialogue through its turns, in order; the longest decides how many batched steps there are.

    A dialogue may have no turn, and then keeps its tensors. Raises `SnapshotMismatch` for a foreign state.
    """
    like = dialogue.classifier.weight
    speaking = [[turn.speaker for turn in own] for own in turns]
    states, rosters = pack(tensors, announced, speaking, width=dialogue.width, like=like)
    versions = next((len(turn.u) for own in turns for turn in own), 1)
    batch, steps = len(turns), max(map(len, turns), default=0)

    u = like.new_zeros(batch, steps, versions, dialogue.width)
    v = torch.zeros_like(u)
    slots = torch.zeros(batch, steps, dtype=torch.long)
    active = torch.zeros(batch, steps, dtype=torch.bool)
    for row, (own, roster) in enumerate(zip(turns, rosters, strict=True)):
        for step, turn in enumerate(own):
            if not turn.u.shape == turn.v.shape == (versions, dialogue.width):
                raise ValueError(
                    f"u {[*turn.u.shape]}, v {[*turn.v.shape]} of a turn; want {[versions, dialogue.width]}"
                )
            u[row, step], v[row, step] = turn.u, turn.v
            slots[row, step], active[row, step] = roster.index(turn.speaker), True
    slots, active = slots.to(like.device), active.to(like.device)

    rows = torch.arange(batch, device=like.device)
    every_version = rows.repeat_interleave(versions)
    logits, emotions = [], []
    for step in range(steps):
        stepped, scored, emotion = dialogue.step(
            states.select(every_version),
            u[:, step].flatten(0, 1),
            v[:, step].flatten(0, 1),
            slots[every_version, step],
            active[every_version, step],
        )
        states = stepped.select(rows * versions)
        logits.append(scored.view(batch, versions, -1))
        emotions.append(emotion[rows * versions])

    every_logit = torch.stack(logits, dim=1) if logits else like.new_zeros(batch, 0, versions, len(like))
    every_emotion = torch.stack(emotions, dim=1) if emotions else like.new_zeros(batch, 0, dialogue.width)
    result = []
    for row, (named, own, after) in enumerate(zip(tensors, turns, unpack(states, rosters), strict=True)):
        others = {name: array for name, array in named.items() if not owns(name)}
        result.append(
            Advanced(
                tensors={**others, **after} if own else named,
                logits=every_logit[row, : len(own)],
                emotion=every_emotion[row, : len(own)],
            )
        )
    return result
