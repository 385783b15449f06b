import numpy as np
import pytest

from engine.calibration import (
    area_under_risk_coverage,
    expected_calibration_error,
    fit_temperature,
    probabilities,
    risk_coverage,
    threshold_at_coverage,
    threshold_at_risk,
)


def overconfident(factor, count=20_000):
    """Logits whose labels were drawn from them before they were multiplied by `factor`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(count, 7)) * 1.5
    chances = probabilities(logits, temperature=1.0)
    labels = (chances.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return logits * factor, labels


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_temperature_that_spoiled_the_logits_is_found(factor):
    logits, labels = overconfident(factor)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(factor, rel=0.05)
    assert expected_calibration_error(probabilities(logits, temperature=temperature), labels) < 0.01
    if factor != 1.0:
        assert expected_calibration_error(probabilities(logits, temperature=1.0), labels) > 0.05


def test_ece_by_hand():
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 1])
    # Two bins: .9 confident and half right, twice; .6 confident and right, twice.
    assert expected_calibration_error(chances, labels) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_risk_grows_with_coverage_where_confidence_is_true():
    chances = np.array([[0.6, 0.4], [0.99, 0.01], [0.7, 0.3]])
    coverage, risk = risk_coverage(chances, np.array([1, 0, 0]))
    assert coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk.tolist() == pytest.approx([0, 0, 1 / 3])


def test_the_area_under_risk_and_coverage_by_hand():
    sure_first = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    # Errors are the third and the fourth: risks 0, 0, 1/3, 1/2.
    assert area_under_risk_coverage(sure_first, np.array([0, 0, 1, 1])) == pytest.approx((1 / 3 + 1 / 2) / 4)
    # Errors are the first and the second: risks 1, 1, 2/3, 1/2.
    assert area_under_risk_coverage(sure_first, np.array([1, 1, 0, 0])) == pytest.approx((2 + 2 / 3 + 1 / 2) / 4)
    assert area_under_risk_coverage(sure_first, np.zeros(4, dtype=int)) == 0


def test_the_threshold_at_a_risk_answers_as_much_as_the_risk_allows():
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    labels = np.array([0, 1, 0, 0, 1])
    # Risks, surest first: 0, 1/2, 1/3, 1/4, 2/5.
    assert threshold_at_risk([(chances, labels)], risk=0.0) == 0.9
    assert threshold_at_risk([(chances, labels)], risk=0.25) == 0.6
    assert threshold_at_risk([(chances, labels)], risk=0.4) == 0.55
    assert threshold_at_risk([(chances, np.ones(5, dtype=int))], risk=0.5) is None


def test_turns_of_one_confidence_are_answered_together():
    chances = np.array([[0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    assert threshold_at_risk([(chances, np.array([0, 1, 1]))], risk=0.1) is None
    assert threshold_at_risk([(chances, np.array([0, 1, 1]))], risk=0.5) == 0.8


def test_one_threshold_keeps_the_risk_of_every_group():
    first = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0, 0, 1, 0])
    second = np.array([0.85, 0.75, 0.65, 0.62, 0.61]), np.array([0, 0, 0, 1, 1])
    nothing = np.array([0.5, 0.5]), np.array([1, 1])
    first, second, nothing = ((np.stack([sure, 1 - sure], axis=1), labels) for sure, labels in (first, second, nothing))
    # The surest first, risks are 0, 0, 1/3, 1/4 and 0, 0, 0, 1/4, 2/5: at .62 the first has 1/3.
    assert threshold_at_risk([first], risk=0.25) == 0.6
    assert threshold_at_risk([second], risk=0.25) == 0.62
    assert threshold_at_risk([first, second], risk=0.25) == 0.75
    assert threshold_at_risk([first, second, nothing], risk=0.25) == 0.75
    assert threshold_at_risk([nothing], risk=0.25) is None


def test_the_threshold_answers_every_group_well_enough():
    sure = probabilities(overconfident(4.0)[0], temperature=1.0)
    unsure = probabilities(overconfident(0.5)[0], temperature=1.0)
    line = threshold_at_coverage([sure, unsure], coverage=0.95)
    assert (unsure.max(axis=1) >= line).mean() == pytest.approx(0.95, abs=0.001)
    assert (sure.max(axis=1) >= line).mean() > 0.95


def test_of_few_turns_no_less_are_answered_than_was_asked():
    sure = np.linspace(0.3, 0.9, 51)
    chances = np.stack([sure, 1 - sure], axis=1)
    line = threshold_at_coverage([np.pad(chances, ((0, 0), (0, 5)))], coverage=0.95)
    # 48 of 51 would be less than 95 %.
    assert (chances.max(axis=1) >= line).sum() == 49


def test_turns_of_a_class_that_is_never_said_tell_nothing_of_the_temperature():
    """Their likelihood is 0 at every temperature, so that the first one tried would be as good as any."""
    logits, labels = overconfident(3.0, count=500)
    silenced = np.concatenate([logits, np.full((len(logits), 1), -np.inf)], axis=1)
    never = logits.shape[1]
    told = np.concatenate([silenced, silenced[:5]]), np.concatenate([labels, np.full(5, never)])
    assert fit_temperature(*told) == pytest.approx(fit_temperature(logits, labels))
    assert fit_temperature(silenced[:5], np.full(5, never)) == 1.0
