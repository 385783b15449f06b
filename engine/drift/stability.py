"""The population stability index, and the last turns by bin as it wants them."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# As if every bin had half a turn more (Jeffreys): the index is finite where a bin is empty.
_HALF = 0.5


def stability_index(expected: Array, found: Array) -> float:
    """PSI of counts `[M, B]`, the mean over M measures: the sum of (p - q) ln(p / q), 0 where shares are the same.

    Below 0.1 is taken for no change, above 0.2 for a great one (Siddiqi, Credit Risk Scorecards, 2006). Of N turns
    drawn from what is expected it is about (B - 1) / N by chance alone, if they do not depend on each other.
    """
    p, q = _shares(found), _shares(expected)
    return float(((p - q) * np.log(p / q)).sum(axis=1).mean())


def _shares(counts: Array) -> Array:
    held = counts + _HALF
    return np.asarray(held / held.sum(axis=1, keepdims=True))


class Recent:
    """Counts `[M, B]` of the last turns, older ones ever less: `turns` turns later, one counts e times less.

    It holds no more than the weight of `turns` turns, and no turn by itself.

    like: counts of the same shape.
    """

    def __init__(self, *, like: Array, turns: int) -> None:
        self.taken = 0
        """Turns so far."""
        self.counts = np.zeros_like(like)
        self._turns = turns

    def take(self, counts: Array) -> None:
        """More turns, one or more, among themselves of one age; each has one bin in every row of `counts`."""
        new = float(counts[0].sum())
        kept = math.exp(-new / self._turns)
        self.counts = self.counts * kept + counts * ((1 - kept) * self._turns / new)
        self.taken += round(new)
