"""A dialogue's states between the store and a batch: named float32 tensors on one side, padded rows on the other.

The names that belong here: `context`, `attention_sum`, `emotion`, `silent_listener` `[d]`, `attention_weight` `[]`, and
`speaker/<id>` `[d]` for everybody who has spoken. A participant who was announced and is still silent needs none. Every
other name in a dialogue's tensors is somebody else's, and is neither read nor returned.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dialogue.state import DialogueStates
from engine.errors import SnapshotMismatch
from engine.signals import Tensors

SPEAKER = "speaker/"
FIXED = ("context", "attention_sum", "attention_weight", "emotion", "silent_listener")

Roster = tuple[str, ...]
"""Participants of one dialogue by slot."""


def owns(name: str) -> bool:
    """Whether a tensor of this name belongs to the dialogue states."""
    return name in FIXED or name.startswith(SPEAKER)


def pack(
    tensors: Sequence[Tensors],
    announced: Sequence[Sequence[str]],
    speaking: Sequence[Sequence[str]],
    *,
    width: int,
    like: Tensor,
) -> tuple[DialogueStates, tuple[Roster, ...]]:
    """A batch of dialogues, type and device of `like`, and who sits in which slot.

    `announced` and `speaking` name, a dialogue, who was announced and who is about to speak. A dialogue without any
    tensor that belongs here starts anew. Raises `SnapshotMismatch` for tensors of another shape, or only some of them.
    """
    rosters = tuple(
        tuple(dict.fromkeys([*_spoken(named), *known, *next_to_speak]))
        for named, known, next_to_speak in zip(tensors, announced, speaking, strict=True)
    )
    batch, slots = len(rosters), max([1, *map(len, rosters)])
    fixed = {name: np.zeros((batch, *_shape(name, width)), np.float32) for name in FIXED}
    speakers = np.zeros((batch, slots, width), np.float32)
    spoken, known_slots = np.zeros((batch, slots), bool), np.zeros((batch, slots), bool)
    for row, (named, known, roster) in enumerate(zip(tensors, announced, rosters, strict=True)):
        known_slots[row, : len(roster)] = [name in known for name in roster]
        if not any(map(owns, named)):
            continue
        for name in FIXED:
            fixed[name][row] = _checked(named, name, width)
        speakers[row] = fixed["silent_listener"][row]
        for slot, name in enumerate(_spoken(named)):
            speakers[row, slot] = _checked(named, SPEAKER + name, width)
            spoken[row, slot] = True

    def moved(array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(array).to(like)

    states = DialogueStates(
        context=moved(fixed["context"]),
        attention_sum=moved(fixed["attention_sum"]),
        attention_weight=moved(fixed["attention_weight"]),
        emotion=moved(fixed["emotion"]),
        silent=moved(fixed["silent_listener"]),
        speakers=moved(speakers),
        spoken=torch.from_numpy(spoken).to(like.device),
        announced=torch.from_numpy(known_slots).to(like.device),
    )
    return states, rosters


def unpack(states: DialogueStates, rosters: Sequence[Roster]) -> list[dict[str, NDArray[np.float32]]]:
    """The named float32 tensors of each dialogue: the inverse of `pack`."""
    host = [field.detach().to("cpu", torch.float32).numpy() for field in states[:6]]
    spoken = states.spoken.cpu().numpy()
    context, attention_sum, attention_weight, emotion, silent, speakers = host
    named = []
    for row, roster in enumerate(rosters):
        arrays = {
            "context": context[row],
            "attention_sum": attention_sum[row],
            "attention_weight": attention_weight[row],
            "emotion": emotion[row],
            "silent_listener": silent[row],
        }
        arrays |= {SPEAKER + name: speakers[row, slot] for slot, name in enumerate(roster) if spoken[row, slot]}
        named.append({name: np.array(array, np.float32) for name, array in arrays.items()})
    return named


def _spoken(named: Mapping[str, object]) -> list[str]:
    return [name.removeprefix(SPEAKER) for name in named if name.startswith(SPEAKER)]


def _shape(name: str, width: int) -> tuple[int, ...]:
    return () if name == "attention_weight" else (width,)


def _checked(named: Tensors, name: str, width: int) -> NDArray[np.float32]:
    array = named.get(name)
    if array is None:
        raise SnapshotMismatch(
            f"the dialogue's state has no {name!r}, but other states of a dialogue model; start afresh"
        )
    shape = _shape(name, width)
    if array.shape != shape:
        raise SnapshotMismatch(
            f"{name!r} has shape {list(array.shape)} and this model wants {list(shape)}: another model wrote it"
        )
    if not np.isfinite(array).all():
        raise SnapshotMismatch(f"{name!r} holds numbers that are not finite; start the dialogue afresh")
    return array
