"""Dialogues in two parts, one to learn from and one to choose with: of other speakers where that can be done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import ConfigurationError
from engine.training.corpora.base import Dialogue

BY_SPEAKER = "whole dialogues, nobody in both parts"
BY_DIALOGUE = "whole dialogues, speakers of the same names in both parts"


@dataclass(frozen=True, slots=True)
class Parted:
    """Both parts, in the order of the corpus."""

    train: tuple[Dialogue, ...]
    dev: tuple[Dialogue, ...]
    label: str
    """What keeps them apart."""


def part(dialogues: Sequence[Dialogue], *, dev_share: float, seed: int) -> Parted:
    """Hold about `dev_share` of the turns back, at least one dialogue.

    Dialogues that share a speaker stay together; where that ties all of them to each other, as in a corpus in which
    everybody is called agent or customer, whole dialogues are held back instead. Raises `ConfigurationError`: fewer
    than two dialogues.
    """
    if len(dialogues) < 2:
        raise ConfigurationError(
            f"the manifest has {len(dialogues)} dialogue(s) with labelled turns; it takes two at least: one to learn "
            "from and one to choose with"
        )
    groups = _together(dialogues)
    label = BY_SPEAKER if len(groups) > 1 else BY_DIALOGUE
    if len(groups) == 1:
        groups = [[number] for number in range(len(dialogues))]
    wanted = dev_share * sum(map(len, dialogues))
    held: set[int] = set()
    for place in np.random.default_rng(seed).permutation(len(groups))[:-1].tolist():
        turns = sum(len(dialogues[number]) for number in held)
        more = sum(len(dialogues[number]) for number in groups[place])
        # A group that would go further beyond what is wanted than it lacks now is left where it is.
        if not held or abs(turns + more - wanted) < abs(turns - wanted):
            held |= set(groups[place])
    return Parted(
        train=tuple(one for number, one in enumerate(dialogues) if number not in held),
        dev=tuple(one for number, one in enumerate(dialogues) if number in held),
        label=label,
    )


def _together(dialogues: Sequence[Dialogue]) -> list[list[int]]:
    """Numbers of dialogues that speakers tie to each other."""
    groups: list[tuple[set[str], list[int]]] = []
    for number, dialogue in enumerate(dialogues):
        names, numbers = {turn.speaker for turn in dialogue if turn.speaker}, [number]
        apart = []
        for other, members in groups:
            if other & names:
                names, numbers = names | other, members + numbers
            else:
                apart.append((other, members))
        groups = [*apart, (names, numbers)]
    return [sorted(numbers) for _, numbers in groups]
