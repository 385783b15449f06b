"""The linear front: a shrunken discriminant (LDA), and what it says of turns that it did not learn from."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.training.protocols import by_group
from schemas.labels import EMOTIONS

Values = NDArray[np.float64]
Says = Callable[[NDArray[np.floating]], Values]
"""Features `[N, D]` to a score of each of the seven classes `[N, 7]`: log-likelihoods but for a term all share."""

_LEAST_SPREAD = 1e-3
_INNER_FOLDS = 5


def discriminant(features: NDArray[np.floating], labels: NDArray[np.int64], *, shrinkage: float) -> Says:
    """Gaussians of one covariance, shrunken to a multiple of the identity (Ledoit and Wolf's form, the share given).

    A class that does not occur scores as low as the lowest of the others.
    """
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + _LEAST_SPREAD
    scaled = (features - mean) / spread
    found = np.unique(labels)
    centres = np.stack([scaled[labels == one].mean(axis=0) for one in found])
    around = scaled - centres[np.searchsorted(found, labels)]
    covariance = around.T @ around / len(around)
    covariance *= 1 - shrinkage
    covariance.flat[:: len(covariance) + 1] += shrinkage * np.trace(covariance) / (1 - shrinkage) / len(covariance)
    weights = np.linalg.solve(covariance, centres.T)
    bias = -0.5 * (centres.T * weights).sum(axis=0)

    def says(asked: NDArray[np.floating]) -> Values:
        known = ((asked - mean) / spread) @ weights + bias
        scores = np.repeat(known.min(axis=1, keepdims=True), len(EMOTIONS), axis=1)
        scores[:, found] = known
        return np.asarray(scores - scores.mean(axis=1, keepdims=True))

    return says


def evidence(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    dialogues: NDArray[np.int64],
    asked: NDArray[np.floating],
    *,
    shrinkage: float,
) -> tuple[Values, Values]:
    """Scores of the training turns, each by a discriminant that learned from other dialogues, and of those asked."""
    own = np.zeros((len(labels), len(EMOTIONS)))
    for fold in by_group(dialogues.astype(str), folds=_INNER_FOLDS, seed=0):
        own[fold.test] = discriminant(features[fold.train], labels[fold.train], shrinkage=shrinkage)(
            features[fold.test]
        )
    return own, discriminant(features, labels, shrinkage=shrinkage)(asked)


def log_shares(labels: NDArray[np.int64]) -> Values:
    """`[7]` how often each class occurs; one that does not, almost never."""
    counts = np.bincount(labels, minlength=len(EMOTIONS)).astype(np.float64)
    return np.asarray(np.log(np.maximum(counts, 1e-9) / counts.sum()))
