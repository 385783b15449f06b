"""The tables of a run: accuracy, recall and F1 with intervals by speaker, by class and by sex."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calibration import expected_calibration_error
from engine.training.scoring import intervals
from engine.training.scoring.intervals import Interval
from engine.training.scoring.scores import by_class
from engine.training.voices.answers import Answer

_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """One corpus under one condition, all folds together."""

    corpus: str
    condition: str
    voices: int
    speakers: int
    accuracy: Interval
    uar: Interval
    """Unweighted average recall."""
    macro_f1: Interval
    ece: float
    """Expected calibration error of the probabilities as they come."""
    alone: tuple[float, ...]
    """Accuracy of each member alone; the rest is of the mean of their probabilities."""
    alone_uar: tuple[float, ...]
    by_sex: dict[str, dict[str, float]]
    recall: dict[str, float]
    """By class that occurs."""
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    """`[K, K]`, a true class a row."""


def rows(
    members: Sequence[Sequence[Answer]],
    classes: Mapping[str, Sequence[str]],
    *,
    without: Collection[tuple[str, str]] = (),
) -> tuple[Row, ...]:
    """The table of the members' answers to the same voices; `classes` by the corpus's name.

    without: corpus and speaker of those to be left out.
    """
    found: dict[tuple[str, str], list[list[Answer]]] = {}
    for member in members:
        own: dict[tuple[str, str], list[Answer]] = {}
        for one in member:
            if (one.corpus, one.speaker) not in without:
                own.setdefault((one.corpus, one.condition), []).append(one)
        for key, answers in own.items():
            found.setdefault(key, []).append(sorted(answers, key=lambda one: one.voice))
    return tuple(_row(corpus, condition, said, classes[corpus]) for (corpus, condition), said in found.items())


def _row(corpus: str, condition: str, said: Sequence[Sequence[Answer]], classes: Sequence[str]) -> Row:
    labels = np.array([one.label for one in said[0]])
    speakers = np.array([one.speaker for one in said[0]])
    sexes = np.array([one.sex for one in said[0]])
    each = np.array([[one.chances for one in member] for member in said])
    chances = each.mean(axis=0)
    predicted = chances.argmax(axis=1)

    def of(metric: Callable[[NDArray[np.integer], NDArray[np.integer]], intervals.Metric]) -> Interval:
        return intervals.interval(metric(labels, predicted), speakers, seed=0, draws=_DRAWS)

    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    alone = each.argmax(axis=2)
    return Row(
        corpus=corpus,
        condition=condition,
        voices=len(labels),
        speakers=len(np.unique(speakers)),
        accuracy=of(intervals.accuracy),
        uar=of(intervals.uar),
        macro_f1=of(intervals.macro_f1),
        ece=expected_calibration_error(chances, labels),
        alone=tuple(float((one == labels).mean()) for one in alone),
        alone_uar=tuple(_uar(labels, one) for one in alone),
        by_sex={
            str(sex): {
                "accuracy": float((predicted == labels)[sexes == sex].mean()),
                "uar": _uar(labels[sexes == sex], predicted[sexes == sex]),
            }
            for sex in np.unique(sexes)
        },
        recall={classes[one.label]: one.recall for one in by_class(labels, predicted)},
        classes=tuple(classes),
        confusion=confusion,
    )


def _uar(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    return float(np.mean([one.recall for one in by_class(labels, predicted)]))
