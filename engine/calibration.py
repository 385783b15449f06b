"""Calibration: a temperature that makes probabilities mean what they say, and the line below which none is trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating]
Labels = NDArray[np.integer]

_TEMPERATURES = np.geomspace(0.05, 20.0, 400)
_REFINED = 200


def probabilities(logits: Logits, *, temperature: float) -> NDArray[np.float64]:
    """Softmax of logits `[N, K]` over a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), by a grid and a finer one around its best.

    A turn whose class is never said (a logit of minus infinity) has the likelihood 0 at every temperature and tells
    nothing of it; where no turn tells anything, it is 1.
    """
    said = np.isfinite(logits[np.arange(len(labels)), labels])
    if not said.any():
        return 1.0
    logits, labels = logits[said], labels[said]
    best = _least(_TEMPERATURES, logits, labels)
    step = _TEMPERATURES[1] / _TEMPERATURES[0]
    return _least(np.geomspace(best / step, best * step, _REFINED), logits, labels)


def expected_calibration_error(chances: NDArray[np.float64], labels: Labels, *, bins: int = 15) -> float:
    """ECE: how far confidence is from accuracy, over bins of equal width weighted by their turns.

    chances `[N, K]`, labels `[N]`.
    """
    confidence, hit = chances.max(axis=1), chances.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float((hit[places == b] - confidence[places == b]).sum())) for b in range(bins)]
    return sum(gaps) / len(labels)


def risk_coverage(chances: NDArray[np.float64], labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of turns answered and share of errors among them, the surest turns first; `[N]` each."""
    order = np.argsort(-chances.max(axis=1), kind="stable")
    wrong = (chances.argmax(axis=1) != labels)[order]
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(wrong) / answered


def area_under_risk_coverage(chances: NDArray[np.float64], labels: Labels) -> float:
    """AURC (Geifman and El-Yaniv 2017): the mean risk over every coverage; 0 where nothing is told wrong."""
    return float(risk_coverage(chances, labels)[1].mean())


def threshold_at_risk(groups: Sequence[tuple[NDArray[np.float64], Labels]], *, risk: float) -> float | None:
    """The lowest confidence at and above which at most `risk` of the turns of every group are told wrong.

    Each group is `[N, K]` probabilities and `[N]` labels of one condition (a corpus, or a modality that is missing),
    of a part that was not learned from. A group of which nothing is answered has no errors; None: no confidence keeps
    the errors so few. Turns of one confidence are answered together or not at all.
    """
    lines = np.unique(np.concatenate([chances.max(axis=1) for chances, _ in groups]))
    kept = np.ones(len(lines), dtype=bool)
    for chances, labels in groups:
        confidence = np.sort(chances.max(axis=1))
        answered = len(labels) - np.searchsorted(confidence, lines)
        risks = np.concatenate(([0.0], risk_coverage(chances, labels)[1]))[answered]
        kept &= risks <= risk
    return float(lines[kept][0]) if kept.any() else None


def threshold_at_coverage(groups: Sequence[NDArray[np.float64]], *, coverage: float) -> float:
    """The highest confidence below which to abstain that still answers `coverage` of the turns of every group.

    Each group is `[N, K]` probabilities of one condition (a corpus, or a modality that is missing).
    """
    # Between two turns' confidences would be one turn too few where there are not many.
    return min(float(np.quantile(chances.max(axis=1), 1 - coverage, method="lower")) for chances in groups)


def _least(temperatures: NDArray[np.float64], logits: Logits, labels: Labels) -> float:
    losses = [_negative_log_likelihood(logits, labels, float(value)) for value in temperatures]
    return float(temperatures[int(np.argmin(losses))])


def _negative_log_likelihood(logits: Logits, labels: Labels, temperature: float) -> float:
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    peak = scaled.max(axis=1)
    total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
    return float((total - scaled[np.arange(len(labels)), labels]).mean())
