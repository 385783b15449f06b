"""Intervals: how far a metric could lie elsewhere, had other speakers or dialogues been met (Efron 1979).

A metric here is a function of how often each of the N turns counts: weights `[R, N]` in, values `[R]` out. So one
draw of the bootstrap is one row of weights, and any two metrics over the same turns can be drawn together.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Metric = Callable[[Values], Values]

_AT_ONCE = 100
_NO_SPREAD = 1e-12
"""What rounding leaves of a variance that is 0."""
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and where 95 % of the draws lie; NaN where there is one group alone, so that nothing can be drawn."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there was anything to draw."""
        return not math.isnan(self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether a gain may be claimed (or a loss has to be admitted)."""
        return self.low > 0 or self.high < 0

    def as_json(self) -> dict[str, float | None]:
        """By name; JSON has no NaN."""
        return {name: None if math.isnan(number) else number for name, number in asdict(self).items()}

    def __str__(self) -> str:
        if not self.known:
            return f"{self.value:.3f} (of one group: no interval)"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(metric: Metric, groups: NDArray[np.str_] | NDArray[np.int64], *, seed: int, draws: int = 1000) -> Interval:
    """The 95 % percentile interval of a metric, whole groups `[N]` (speakers, dialogues) drawn with replacement.

    Few groups make it too narrow: three speakers say little of a fourth.
    """
    names, member = np.unique(groups, return_inverse=True)
    value = float(metric(np.ones((1, len(member))))[0])
    if len(names) == 1:
        return Interval(value=value, low=math.nan, high=math.nan)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws).astype(np.float64)
    drawn = np.concatenate([metric(counts[at : at + _AT_ONCE][:, member]) for at in range(0, draws, _AT_ONCE)])
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Interval(value=value, low=float(low), high=float(high))


def wilson(hits: float, turns: int) -> tuple[float, float]:
    """Where a share of `turns` independent ones lies with 95 % (Wilson 1927); draws would say [1, 1] of 3 of 3."""
    share, squared = hits / turns, _NORMAL_95**2
    middle = share + squared / (2 * turns)
    reach = math.sqrt(squared * (share * (1 - share) + squared / (4 * turns)) / turns)
    whole = 1 + squared / turns
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def gain(better: Metric, baseline: Metric) -> Metric:
    """How much more the first metric gives than the second over the same turns: a paired difference."""
    return lambda weights: better(weights) - baseline(weights)


def accuracy(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> Metric:
    """Share of turns `[N]` that are told right."""
    return _mean((labels == predicted).astype(np.float64))


def uar(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> Metric:
    """Unweighted average recall over the classes that occur in a draw."""

    def value(weights: Values) -> Values:
        true, _, hits = _by_class(labels, predicted, weights)
        return _average(hits / _or_nan(true))

    return value


def macro_f1(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> Metric:
    """The mean F1 of the classes that occur in a draw."""

    def value(weights: Values) -> Values:
        true, said, hits = _by_class(labels, predicted, weights)
        return _average(2 * hits / (_or_nan(true) + said))

    return value


def weighted_f1(labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> Metric:
    """The F1 of every class, weighed by how often it occurs."""

    def value(weights: Values) -> Values:
        true, said, hits = _by_class(labels, predicted, weights)
        return np.asarray(np.nansum(true * 2 * hits / (_or_nan(true) + said), axis=1) / true.sum(axis=1))

    return value


def calibration_error(chances: NDArray[np.float64], labels: NDArray[np.integer], *, bins: int = 15) -> Metric:
    """ECE of probabilities `[N, K]`, as `engine.calibration.expected_calibration_error` has it."""
    confidence = chances.max(axis=1)
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.eye(bins)[places] * ((chances.argmax(axis=1) == labels) - confidence)[:, None]
    return lambda weights: np.asarray(np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1))


def concordance(targets: NDArray[np.floating], predicted: NDArray[np.floating]) -> Metric:
    """The concordance correlation coefficient (Lin 1989) of two rows `[N]`; 0 where both are constant."""
    moments = np.stack((targets, predicted, targets**2, predicted**2, targets * predicted), axis=1).astype(np.float64)

    def value(weights: Values) -> Values:
        x, y, xx, yy, xy = ((weights @ moments) / weights.sum(axis=1, keepdims=True)).T
        spread = (xx - x**2) + (yy - y**2) + (x - y) ** 2
        return np.where(spread > _NO_SPREAD, 2 * (xy - x * y) / np.maximum(spread, _NO_SPREAD), 0.0)

    return value


def mean(values: Values) -> Metric:
    """The mean of a number a turn `[N]`, such as a loss."""
    return _mean(values)


def _mean(values: Values) -> Metric:
    return lambda weights: np.asarray(weights @ values / weights.sum(axis=1))


def _by_class(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], weights: Values
) -> tuple[Values, Values, Values]:
    """How much of each class that occurs among the labels is there, is said, and is both; `[R, K]` each."""
    classes = np.unique(labels)
    true = (labels[:, None] == classes).astype(np.float64)
    said = (predicted[:, None] == classes).astype(np.float64)
    return weights @ true, weights @ said, weights @ (true * said)


def _or_nan(counts: Values) -> Values:
    """Counts, a class that no draw holds being none to average over."""
    return np.where(counts > 0, counts, np.nan)


def _average(values: Values) -> Values:
    return np.asarray(np.nanmean(values, axis=1))
