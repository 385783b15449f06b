import pytest
import torch

from engine.training.fitting.average import follow


@pytest.mark.parametrize(("done", "stays"), [(1, 2 / 11), (8, 0.5), (1000, 0.9)])
def test_a_young_average_follows_more_closely(done, stays):
    averages = {"weight": torch.tensor([1.0]), "seen": torch.tensor(3)}
    follow(averages, {"weight": torch.tensor([0.0]), "seen": torch.tensor(4)}, share=0.9, steps_done=done)
    assert averages["weight"].item() == pytest.approx(stays)
    assert averages["seen"].item() == 4
