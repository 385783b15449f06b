"""Bins, their index and what it forgets, by numbers that can be checked by hand."""

import numpy as np
import pytest

from engine.drift.bins import Bins, tally
from engine.drift.stability import Recent, stability_index
from engine.errors import ConfigurationError


def drawn(turns: int, *, seed: int, shift: float = 0.0, also: float = 0.0) -> np.ndarray:
    """Turns of 6 features: wide along the first, narrow along the second, the others alike."""
    found = np.random.default_rng(seed).normal(size=(turns, 6)) * [5.0, 2.0, 0.1, 0.1, 0.1, 0.1]
    return found + np.array([shift, 0, also, 0, 0, 0])


@pytest.fixture(scope="module")
def bins() -> Bins:
    return Bins.learn(drawn(2000, seed=0), directions=2)


def index(bins: Bins, turns: np.ndarray) -> float:
    return stability_index(bins.counts, tally(bins.place(turns), bins.counts.shape[1]))


def test_the_training_fills_every_bin_alike(bins):
    assert bins.counts.shape == (3, 10)
    assert np.abs(bins.counts - 200).max() <= 5
    assert np.allclose(bins.directions @ bins.directions.T, np.eye(2), atol=1e-4)
    assert abs(bins.directions[0, 0]) > 0.99


def test_turns_of_the_same_kind_are_near_and_shifted_ones_far(bins):
    same = index(bins, drawn(1000, seed=1))
    assert same < 0.05
    assert index(bins, drawn(1000, seed=1, shift=5.0)) > 0.2


def test_what_is_new_where_training_had_no_spread_is_seen(bins):
    places = bins.place(drawn(1000, seed=1, also=2.0))
    assert (places[:, -1] == 9).all()
    assert index(bins, drawn(1000, seed=1, also=2.0)) > 1


def test_directions_that_span_everything_leave_no_rest():
    turns = drawn(100, seed=0)[:, :2]
    places = Bins.learn(turns).place(turns)
    assert places.shape == (100, 3)
    assert (places[:, -1] == 0).all()


def test_too_few_turns_are_refused():
    with pytest.raises(ConfigurationError, match="9 turns are too few"):
        Bins.learn(drawn(9, seed=0))


def test_the_index_is_the_fields():
    # With half a turn more in each bin: p = 0.3 and 0.7, q = 0.5 and 0.5.
    expected, found = np.array([[4.5, 4.5]]), np.array([[2.5, 6.5]])
    assert stability_index(expected, found) == pytest.approx(-0.2 * np.log(0.6) + 0.2 * np.log(1.4))
    assert stability_index(expected, expected) == 0
    assert stability_index(np.array([[5.0, 0.0]]), np.array([[0.0, 5.0]])) == pytest.approx(2 * 10 / 12 * np.log(11))


def test_the_last_turns_forget_by_number_and_hold_no_more_than_so_many():
    recent = Recent(like=np.zeros((1, 2)), turns=100)
    recent.take(np.array([[100.0, 0.0]]))
    assert recent.counts.tolist() == [[pytest.approx(100 * (1 - np.exp(-1))), 0]]
    before = recent.counts[0, 0]
    recent.take(np.array([[0.0, 100.0]]))
    assert recent.counts[0, 0] == pytest.approx(before * np.exp(-1))
    recent.take(np.array([[0.0, 1e6]]))
    assert recent.counts[0].tolist() == [pytest.approx(0), pytest.approx(100)]
    assert recent.taken == 1_000_200


def test_many_small_steps_forget_as_one_large_one_does():
    one, many = (Recent(like=np.zeros((1, 2)), turns=50) for _ in range(2))
    one.take(np.array([[30.0, 90.0]]))
    for _ in range(60):
        many.take(np.array([[0.5, 1.5]]))
    assert many.counts == pytest.approx(one.counts)
