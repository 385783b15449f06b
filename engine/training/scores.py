"""Scores of a classifier: what a table of results reports, from labels and probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calibration import expected_calibration_error
from schemas.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class Scores:
    """One row of a table. Averages go over the classes that occur."""

    turns: int
    weighted_f1: float
    macro_f1: float
    accuracy: float
    uar: float
    """Unweighted average recall."""
    ece: float
    per_class_f1: dict[str, float]
    per_class_recall: dict[str, float]


def score(labels: NDArray[np.int64], chances: NDArray[np.float64]) -> Scores:
    """Scores of probabilities `[N, 7]` against labels `[N]`."""
    predicted = chances.argmax(axis=1)
    f1: dict[str, float] = {}
    recall: dict[str, float] = {}
    support: dict[str, float] = {}
    for index, emotion in enumerate(EMOTIONS):
        true, said = labels == index, predicted == index
        if not true.any():
            continue
        hits = float((true & said).sum())
        recall[emotion] = hits / float(true.sum())
        f1[emotion] = 2 * hits / float(true.sum() + said.sum())
        support[emotion] = float(true.mean())
    return Scores(
        turns=len(labels),
        weighted_f1=sum(f1[emotion] * support[emotion] for emotion in f1),
        macro_f1=float(np.mean(list(f1.values()))),
        accuracy=float((predicted == labels).mean()),
        uar=float(np.mean(list(recall.values()))),
        ece=expected_calibration_error(chances, labels),
        per_class_f1=f1,
        per_class_recall=recall,
    )
