"""FER2013's Training parted into train and dev, near-duplicates on one side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from engine.training.corpora.base import FaceSet

ALIKE = 0.98
"""Two pictures are near-duplicates if their thumbnails correlate more than this."""

_THUMBNAIL = 12
_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Split:
    """The two parts."""

    train: FaceSet
    dev: FaceSet


def split(faces: FaceSet, *, dev_share: float, seed: int) -> Split:
    """Random groups of near-duplicates are dev, about `dev_share` of the pictures; blank pictures are left out."""
    real = np.flatnonzero(faces.images.min(axis=(1, 2)) != faces.images.max(axis=(1, 2)))
    groups = _groups(thumbnails(faces.images[real]))
    names = np.unique(groups)
    order = np.random.default_rng(seed).permutation(names)
    chosen = set(order[: round(dev_share * len(names))].tolist())
    is_dev = np.array([group in chosen for group in groups])
    return Split(train=_of(faces, real[~is_dev]), dev=_of(faces, real[is_dev]))


def repeated(images: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the pictures `[N, S, S]` are near-duplicates of one of `known`: `[N]`."""
    others = thumbnails(known)
    alike = [(rows @ others.T).amax(dim=1) > ALIKE for rows in torch.split(thumbnails(images), _ROWS)]
    return torch.cat(alike).numpy()


def thumbnails(images: NDArray[np.uint8]) -> torch.Tensor:
    """Pictures `[N, S, S]` as vectors of length 1, whose products are correlations."""
    parts = torch.split(torch.from_numpy(images), _ROWS)
    flat = torch.cat([F.adaptive_avg_pool2d(part.float(), _THUMBNAIL).flatten(1) for part in parts])
    return F.normalize(flat - flat.mean(dim=1, keepdim=True), dim=1)


def _groups(vectors: torch.Tensor) -> NDArray[np.int64]:
    """For each vector the lowest index of those it is joined with by a chain of near-duplicates."""
    parents = list(range(len(vectors)))
    for start in range(0, len(vectors), _ROWS):
        pairs = torch.nonzero(vectors[start : start + _ROWS] @ vectors.T > ALIKE)
        for row, column in pairs.tolist():
            if row + start < column:
                first, second = sorted((_root(parents, row + start), _root(parents, column)))
                parents[second] = first
    return np.array([_root(parents, index) for index in range(len(parents))])


def _root(parents: Sequence[int], index: int) -> int:
    while parents[index] != index:
        index = parents[index]
    return index


def _of(faces: FaceSet, indices: NDArray[np.int64]) -> FaceSet:
    return FaceSet(images=faces.images[indices], labels=faces.labels[indices])
