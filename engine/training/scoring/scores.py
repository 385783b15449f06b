"""Scores of a classifier: what a table of results reports, from labels and probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calibration import area_under_risk_coverage, expected_calibration_error
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
    aurc: float
    """Area under risk and coverage: the mean error rate over every share of turns, the surest ones first."""
    per_class_f1: dict[str, float]
    per_class_recall: dict[str, float]
    per_class_turns: dict[str, int]


def score(labels: NDArray[np.int64], chances: NDArray[np.float64]) -> Scores:
    """Scores of probabilities `[N, 7]` against labels `[N]`."""
    predicted = chances.argmax(axis=1)
    classes = {EMOTIONS[one.label]: one for one in by_class(labels, predicted)}
    f1: dict[str, float] = {emotion: one.f1 for emotion, one in classes.items()}
    recall: dict[str, float] = {emotion: one.recall for emotion, one in classes.items()}
    return Scores(
        turns=len(labels),
        weighted_f1=weighted_f1(labels, predicted),
        macro_f1=float(np.mean(list(f1.values()))),
        accuracy=float((predicted == labels).mean()),
        uar=float(np.mean(list(recall.values()))),
        ece=expected_calibration_error(chances, labels),
        aurc=area_under_risk_coverage(chances, labels),
        per_class_f1=f1,
        per_class_recall=recall,
        per_class_turns={emotion: round(one.support * len(labels)) for emotion, one in classes.items()},
    )


@dataclass(frozen=True, slots=True)
class Abstained:
    """What a line of confidence makes of turns."""

    answered: float
    """Share of turns at or above it."""
    risk: float | None
    """Share of errors among those; None: there are none."""


def abstained(labels: NDArray[np.int64], chances: NDArray[np.float64], *, below: float) -> Abstained:
    """Of probabilities `[N, 7]` and labels `[N]`, where no label is given below this confidence."""
    kept = chances.max(axis=1) >= below
    wrong = (chances.argmax(axis=1) != labels)[kept]
    return Abstained(answered=float(kept.mean()), risk=float(wrong.mean()) if len(wrong) else None)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How one class that occurs is told; `support` is its share of the labels."""

    label: int
    f1: float
    recall: float
    support: float


def by_class(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> tuple[ClassScores, ...]:
    """Every class that occurs among the labels `[N]`, in order."""
    found = []
    for label in np.unique(labels):
        true, said = labels == label, predicted == label
        hits = float((true & said).sum())
        f1, recall = 2 * hits / float(true.sum() + said.sum()), hits / float(true.sum())
        found.append(ClassScores(label=int(label), f1=f1, recall=recall, support=float(true.mean())))
    return tuple(found)


def weighted_f1(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The F1 of every class that occurs, weighed by how often it does."""
    return sum(one.f1 * one.support for one in by_class(labels, predicted))
