"""The bins of one modality: where a turn's pooled tokens fall among those of training."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigurationError

DIRECTIONS: Final = 16
BINS: Final = 10
"""Tenths of the training's turns: the field's habit for the population stability index."""

# Rounded as it is learned, so that a file holds no less than memory did; and what is measured a little more, so that
# directions that span everything leave no rest.
_DECIMALS: Final = 6
_MEASURED: Final = 4

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bins:
    """M measures of a turn, each in B bins: its place along K directions, and how far it lies from all of them.

    The directions are the first principal components of the training's turns. The last measure, the distance from the
    space they span (Jackson and Mudholkar, Technometrics 1979: the Q statistic), tells what is new where training had
    no spread. M is K + 1.
    """

    centre: Array
    """`[D]`, the training's mean."""
    directions: Array
    """`[K, D]`, orthonormal."""
    edges: Array
    """`[M, B - 1]`, rising."""
    counts: Array
    """`[M, B]`, turns of the training in every bin."""

    @classmethod
    def learn(cls, pooled: Array, *, directions: int = DIRECTIONS, bins: int = BINS) -> Self:
        """The bins of the training's turns `[N, D]`, as full as each other where no two turns are alike.

        Raises `ConfigurationError` for fewer turns than bins.
        """
        if len(pooled) < bins:
            raise ConfigurationError(f"{len(pooled)} turns are too few to learn {bins} bins from")
        centre = pooled.mean(axis=0).round(_DECIMALS)
        found = np.linalg.svd(pooled - centre, full_matrices=False)[2][:directions].round(_DECIMALS)
        values = _measured(pooled, centre, found)
        edges = np.quantile(values, np.arange(1, bins) / bins, axis=0).T.round(_DECIMALS)
        return cls(centre=centre, directions=found, edges=edges, counts=tally(_placed(values, edges), bins))

    def place(self, pooled: Array) -> NDArray[np.intp]:
        """The bin `[N, M]` of every turn `[N, D]` in every measure."""
        return _placed(_measured(pooled, self.centre, self.directions), self.edges)


def tally(places: NDArray[np.intp], bins: int) -> Array:
    """How many of the places `[N, M]` are in every bin, `[M, bins]`."""
    return np.array([np.bincount(column, minlength=bins) for column in places.T], dtype=np.float64)


def _measured(pooled: Array, centre: Array, directions: Array) -> Array:
    centred = pooled - centre
    along = centred @ directions.T
    rest = np.linalg.norm(centred - along @ directions, axis=1)
    return np.column_stack([along, rest]).round(_MEASURED)


def _placed(values: Array, edges: Array) -> NDArray[np.intp]:
    return np.column_stack([np.searchsorted(edge, column) for edge, column in zip(edges, values.T, strict=True)])
