"""Protocols: who is learned from and who is measured, with the label that a table has to show."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigurationError

Name = Literal["speakers", "official", "random"]
"""`speakers` is the default; `random` is only for comparison with papers that used it."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from and rows to be measured on; no row is in both."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    dev: NDArray[np.int64] | None = None
    """Rows to choose by; None: they are taken out of `train`."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Folds by a name."""

    name: Name
    label: str
    """Stands beside every figure that was measured this way."""
    folds: tuple[Fold, ...]


def speakers(speaker: NDArray[np.str_], *, folds: int, seed: int) -> Protocol:
    """Whole speakers held out, every speaker in one test part; `speaker` `[N]` says whose each row is."""
    return Protocol("speakers", f"speaker-independent, {folds} folds", by_group(speaker, folds=folds, seed=seed))


def official(part: NDArray[np.str_], *, train: str = "train", test: str = "test") -> Protocol:
    """A corpus's own parts, `[N]`; what is neither learned from nor measured (its dev part) is in no fold."""
    rows = Fold(np.flatnonzero(part == train), np.flatnonzero(part == test))
    if not len(rows.train) or not len(rows.test):
        found = ", ".join(sorted({str(name) for name in part}))
        raise ConfigurationError(f"official parts {train!r} and {test!r} are asked for; the corpus has {found}")
    return Protocol("official", f"official split, {train} to {test}", (rows,))


def random(count: int, *, seed: int, held_out: float = 0.2) -> Protocol:
    """Rows drawn whoever speaks, as many papers do: the voices that are measured have been learned."""
    order = np.random.default_rng(seed).permutation(count)
    cut = round(count * held_out)
    rows = Fold(np.sort(order[cut:]), np.sort(order[:cut]))
    return Protocol("random", f"random split, speakers overlap ({held_out:.0%} held out)", (rows,))


def by_group(groups: NDArray[np.str_], *, folds: int, seed: int) -> tuple[Fold, ...]:
    """Folds of whole groups, shuffled; every row is in one test part. Raises `ConfigurationError`: too few groups."""
    names = np.unique(groups)
    if not 2 <= folds <= len(names):
        raise ConfigurationError(f"{folds} folds of {len(names)} groups: between 2 and {len(names)} can be made")
    np.random.default_rng(seed).shuffle(names)
    parts = [np.isin(groups, part) for part in np.array_split(names, folds)]
    return tuple(Fold(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts)
