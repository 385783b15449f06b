"""A wave's second look: every turn whose next K turns are known by now, or whose dialogue has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.dialogue.recent import Recent
from engine.dialogue.revision import Revision, Window


@dataclass(frozen=True, slots=True)
class Looked:
    """One dialogue after a second look."""

    recent: tuple[Recent, ...]
    """The turns that wait for theirs, at most K."""
    numbers: tuple[int, ...]
    """Of the turns that were looked at again."""
    logits: Tensor
    """`[n, classes]` of each of them."""
    u: Tensor
    """`[n, d]` the utterance vectors of them, as they were when they were first heard."""


@torch.no_grad()
def look_again(revision: Revision, turns: Sequence[Sequence[Recent]], ended: Sequence[bool]) -> list[Looked]:
    """Look at each dialogue's turns, in order, as far as their windows are full; where it has ended, at all of them.

    But for the last turn of all: after it comes nothing, so nothing is known now that was not known then.
    """
    ahead, like = revision.turns_ahead, revision.classifier.weight
    due = [max(0, len(own) - (1 if over else ahead)) for own, over in zip(turns, ended, strict=True)]
    windows = [
        _window(own[first : first + ahead + 1], like)
        for own, count in zip(turns, due, strict=True)
        for first in range(count)
    ]
    logits = torch.split(revision.revise(windows), due)
    heard = [torch.from_numpy(turn.u) for own, count in zip(turns, due, strict=True) for turn in own[:count]]
    u = torch.split(torch.stack(heard).to(like) if heard else like.new_zeros(0, revision.width), due)
    return [
        Looked(
            recent=() if over else tuple(own[count:]),
            numbers=tuple(turn.number for turn in own[:count]),
            logits=of_it,
            u=heard_of_it,
        )
        for own, over, count, of_it, heard_of_it in zip(turns, ended, due, logits, u, strict=True)
    ]


def _window(turns: Sequence[Recent], like: Tensor) -> Window:
    rows = [torch.stack([torch.from_numpy(turn.u), torch.from_numpy(turn.v)]) for turn in turns]
    heard = torch.stack(rows, dim=1).to(like)
    return Window(
        speakers=tuple(turn.speaker for turn in turns),
        u=heard[0],
        v=heard[1],
        emotion=torch.from_numpy(turns[0].emotion).to(like),
    )
