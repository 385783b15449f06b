"""How people talk: lengths of talk and of silence, as quantiles of real conversations."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

MANNERS_FILE: Final = Path(__file__).with_name("manners.json")
"""What `simulators.load.measured` wrote."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A distribution by its values at some probabilities, straight lines between them.

    Below the first and above the last there is nothing: the rarest values are left out.
    """

    probabilities: Sequence[float]
    values: Sequence[float]

    def at(self, probability: float) -> float:
        """The value that this share of all lies below."""
        where = list(zip(self.probabilities, self.values, strict=True))
        for (below, low), (above, high) in pairwise(where):
            if probability <= above:
                share = max(0.0, probability - below) / (above - below)
                return low + share * (high - low)
        return self.values[-1]

    def draw(self, rng: Random) -> float:
        """One value."""
        return self.at(rng.random())


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One way to talk with somebody."""

    name: str
    talk_s: Quantiles
    """Length of an utterance."""
    pause_s: Quantiles
    """Silence until the same speaker goes on."""
    gap_s: Quantiles
    """Silence until the other speaks; below zero they speak at once."""
    goes_on: float
    """How often the next utterance is the same speaker's."""


@dataclass(frozen=True, slots=True)
class Manners:
    """Every manner there is, and how many utterances a conversation has."""

    utterances: Quantiles
    by_name: Mapping[str, Manner]


def read_manners(path: Path = MANNERS_FILE) -> Manners:
    """The manners that were measured."""
    found = json.loads(path.read_text())
    probabilities = found["probabilities"]

    def quantiles(values: Sequence[float]) -> Quantiles:
        return Quantiles(probabilities, values)

    manners = {
        name: Manner(
            name=name,
            talk_s=quantiles(said["talk_s"]),
            pause_s=quantiles(said["pause_s"]),
            gap_s=quantiles(said["gap_s"]),
            goes_on=said["goes_on"],
        )
        for name, said in found["manners"].items()
    }
    return Manners(quantiles(found["utterances"]), manners)
