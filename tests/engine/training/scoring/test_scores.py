import numpy as np
import pytest

from engine.training.learned.encoders import class_weights
from engine.training.scoring.scores import score


def test_scores_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 3])
    said = [0, 0, 1, 1, 2, 3]
    chances = np.full((6, 7), 0.05)
    chances[range(6), said] = 0.7
    found = score(labels, chances)
    f1 = {"neutral": 2 * 2 / 5, "joy": 2 * 1 / 4, "anger": 1.0}
    assert found.per_class_f1 == pytest.approx(f1)
    assert found.per_class_recall == pytest.approx({"neutral": 2 / 3, "joy": 1 / 2, "anger": 1.0})
    assert found.weighted_f1 == pytest.approx((3 * f1["neutral"] + 2 * f1["joy"] + 1) / 6)
    assert found.macro_f1 == pytest.approx(sum(f1.values()) / 3)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.uar == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.ece == pytest.approx(abs(4 / 6 - 0.7))
    # All are equally sure and keep their order: wrong are the third and the fifth.
    assert found.aurc == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 + 2 / 5 + 2 / 6) / 6)
    assert found.turns == 6


@pytest.mark.parametrize(("balance", "ratio"), [(0.0, 1.0), (0.5, 2.0), (1.0, 4.0)])
def test_a_rare_class_counts_more_by_the_power_of_its_rarity(balance, ratio):
    weights = class_weights(np.array([0] * 8 + [3] * 2), balance=balance)
    assert weights[3] / weights[0] == pytest.approx(ratio)
    assert (8 * weights[0] + 2 * weights[3]) / 10 == pytest.approx(1)
    assert weights[[1, 2, 4, 5, 6]].tolist() == [0] * 5
