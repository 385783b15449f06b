"""What one training says of the items it is measured on, by condition, kept in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Said:
    """One condition."""

    labels: NDArray[np.int64]
    """`[N]`"""
    chances: NDArray[np.float64]
    """`[N, K]`"""
    groups: NDArray[np.str_]
    """`[N]`: what another draw would bring anew, a recording, a picture or a dialogue."""


def write(path: Path, said: Mapping[str, Said]) -> None:
    """Keep it; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    arrays = {f"{name}/{one.name}": getattr(some, one.name) for name, some in said.items() for one in fields(some)}
    with beside.open("wb") as file:
        np.savez_compressed(file, **arrays)
    beside.replace(path)


def read(path: Path) -> dict[str, Said]:
    """What `write` kept, in its order."""
    with np.load(path, allow_pickle=False) as arrays:
        names = dict.fromkeys(name.rpartition("/")[0] for name in arrays.files)
        return {name: Said(*(arrays[f"{name}/{one.name}"] for one in fields(Said))) for name in names}
