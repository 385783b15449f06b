"""How well valence and arousal are told: concordance with what people rated, of the regression and of the map."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Dialogue
from engine.training.scoring.intervals import Interval, concordance, gain, interval
from schemas.labels import CIRCUMPLEX, EMOTIONS

DIMENSIONS = ("valence", "arousal")
_FEWEST = 2
"""One rating has nothing to go along with."""
FEWEST_TO_LEARN = 20
"""Rated turns that a regression is learned from: of fewer, the concordance of a batch is chance."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Lin's concordance (CCC) of one dimension with its ratings, dialogues (or speakers) drawn with replacement."""

    of: str
    """One of `DIMENSIONS`."""
    rated: int
    """Turns that have a rating of it."""
    circumplex: Interval
    """Of the documented map of the categories, under the turn's probabilities."""
    regression: Interval | None = None
    """Of what the checkpoint has learned to say; None: the map is what it says."""
    gain: Interval | None = None
    """Of the regression above the map, paired."""

    def as_json(self) -> dict[str, Any]:
        """`ccc_valence` is of what the events say; the map's own stands beside it."""
        said = (self.regression or self.circumplex).as_json()
        told: dict[str, Any] = {f"rated_{self.of}": self.rated, f"ccc_{self.of}": said["value"]}
        told |= {f"ccc_{self.of}_low": said["low"], f"ccc_{self.of}_high": said["high"]}
        told |= {f"circumplex_ccc_{self.of}": self.circumplex.as_json()}
        return told if self.gain is None else told | {f"gain_of_regression_{self.of}": self.gain.as_json()}

    def __str__(self) -> str:
        by_map = f"CCC {self.circumplex} by the circumplex"
        if self.regression is None:
            return f"{self.of} of {self.rated} turns, {by_map}"
        return f"{self.of} of {self.rated} turns, CCC {self.regression} by regression, {by_map}: {self.gain} between"


def agreements(
    rated: NDArray[np.float64],
    chances: NDArray[np.float64],
    groups: NDArray[np.str_] | NDArray[np.int64],
    *,
    regression: NDArray[np.float64] | None,
) -> tuple[Agreement, ...]:
    """The dimensions that people rated in at least two turns; none where nobody did.

    rated `[N, 2]`, NaN where nobody did; chances `[N, 7]`; groups `[N]` what is drawn; regression `[N, 2]`.
    """
    by_map = chances @ np.array([CIRCUMPLEX[emotion] for emotion in EMOTIONS])
    found = []
    for column, name in enumerate(DIMENSIONS):
        known = np.isfinite(rated[:, column])
        if known.sum() < _FEWEST:
            continue
        true, drawn = rated[known, column], groups[known]
        baseline = concordance(true, by_map[known, column])
        one = Agreement(of=name, rated=len(true), circumplex=interval(baseline, drawn, seed=0))
        if regression is not None:
            learned = concordance(true, regression[known, column])
            above = interval(gain(learned, baseline), drawn, seed=0)
            one = replace(one, regression=interval(learned, drawn, seed=0), gain=above)
        found.append(one)
    return tuple(found)


def rated(dialogues: Iterable[Dialogue]) -> int:
    """How many voices and faces people rated in valence and arousal both, each once however often it is there."""
    turns = chain.from_iterable(dialogues)
    return len({(turn.voice, turn.face) for turn in turns if turn.valence is not None and turn.arousal is not None})
