import numpy as np
import pytest

from engine.calibration import expected_calibration_error, probabilities
from engine.training.scoring import intervals, scores

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(60, 7))
CHANCES = probabilities(LOGITS, temperature=0.5)
LABELS = np.where(RNG.random(60) < 0.6, LOGITS.argmax(axis=1), RNG.integers(0, 7, 60))
PREDICTED = LOGITS.argmax(axis=1)
GROUPS = np.repeat(np.arange(12), 5)


@pytest.fixture
def metrics():
    return {
        "accuracy": intervals.accuracy(LABELS, PREDICTED),
        "uar": intervals.uar(LABELS, PREDICTED),
        "macro_f1": intervals.macro_f1(LABELS, PREDICTED),
        "weighted_f1": intervals.weighted_f1(LABELS, PREDICTED),
        "ece": intervals.calibration_error(CHANCES, LABELS),
    }


def test_a_turn_that_counts_twice_is_a_turn_that_is_there_twice(metrics):
    counts = RNG.integers(0, 3, 60)
    repeated = np.repeat(np.arange(60), counts)
    expected = scores.score(LABELS[repeated], CHANCES[repeated])
    for name, metric in metrics.items():
        (value,) = metric(counts[None].astype(float))
        assert value == pytest.approx(getattr(expected, name)), name
    assert metrics["ece"](np.ones((1, 60)))[0] == pytest.approx(expected_calibration_error(CHANCES, LABELS))


def test_concordance_by_hand():
    metric = intervals.concordance(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    # Means 1 and 1.5, variances 1 and .25, covariance .5: 2 * .5 / (1 + .25 + .25).
    assert metric(np.ones((1, 2)))[0] == pytest.approx(1 / 1.5)


def test_the_interval_of_a_mean_is_the_one_of_its_groups():
    values = RNG.normal(size=400)
    found = intervals.interval(intervals.mean(values), np.arange(400), seed=0)
    assert found.value == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.high - found.value == pytest.approx(half, rel=0.15)
    assert found.value - found.low == pytest.approx(half, rel=0.15)
    # Ten turns of one speaker that are alike are one, not ten.
    alike = np.repeat(values[:40], 10)
    by_turn = intervals.interval(intervals.mean(alike), np.arange(400), seed=0)
    by_speaker = intervals.interval(intervals.mean(alike), np.repeat(np.arange(40), 10), seed=0)
    assert (by_speaker.high - by_speaker.low) == pytest.approx(np.sqrt(10) * (by_turn.high - by_turn.low), rel=0.2)


def test_a_paired_gain_is_surer_than_its_parts_and_the_seed_decides():
    noise = RNG.normal(size=300)
    better, baseline = intervals.mean(noise + 0.1), intervals.mean(noise)
    gain = intervals.interval(intervals.gain(better, baseline), np.arange(300), seed=3)
    assert (gain.low, gain.high) == pytest.approx((0.1, 0.1))
    assert gain.excludes_zero
    assert not intervals.interval(better, np.arange(300), seed=3).excludes_zero
    assert intervals.interval(better, GROUPS.repeat(5), seed=3) == intervals.interval(better, GROUPS.repeat(5), seed=3)
    assert intervals.interval(better, GROUPS.repeat(5), seed=3) != intervals.interval(better, GROUPS.repeat(5), seed=4)


def test_a_class_that_a_draw_does_not_hold_is_not_averaged_over():
    labels, predicted = np.array([0, 0, 1, 2]), np.array([0, 0, 1, 0])
    weights = np.array([[1.0, 1, 0, 0], [1.0, 1, 1, 1], [0, 0, 1, 0]])
    # Recalls 1, 1 and 0; classes that are not drawn do not count as missed.
    assert intervals.uar(labels, predicted)(weights).tolist() == pytest.approx([1, 2 / 3, 1])
    assert intervals.macro_f1(labels, predicted)(weights).tolist() == pytest.approx([1, (0.8 + 1 + 0) / 3, 1])
    found = intervals.interval(intervals.macro_f1(labels, predicted), np.arange(4), seed=0, draws=50)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert str(found).startswith("0.600 [")


def test_one_speaker_alone_says_nothing_of_another():
    alone = intervals.interval(intervals.accuracy(LABELS, PREDICTED), np.zeros(60, dtype=int), seed=0)
    assert np.isnan((alone.low, alone.high)).all()
    assert str(alone) == f"{alone.value:.3f} (of one group: no interval)"
    assert alone.as_json() == {"value": alone.value, "low": None, "high": None}
    gained = intervals.gain(intervals.accuracy(LABELS, LABELS), intervals.accuracy(LABELS, PREDICTED))
    assert not intervals.interval(gained, np.zeros(60, dtype=int), seed=0).excludes_zero
