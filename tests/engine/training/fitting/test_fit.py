import pytest
import torch
from torch import Generator, nn

from engine.errors import ConfigurationError
from engine.training.fitting.fit import Following, fit
from engine.training.fitting.keeping import read_rows
from engine.training.recipe import Schedule
from engine.training.scoring.scores import Scores

ROWS = torch.randn(10, 3, generator=Generator().manual_seed(0))


def schedule(**changes):
    numbers = {"epochs": 6, "batch": 4, "learning_rate": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0}
    return Schedule(**{**numbers, **changes})


def learn(path, chosen, said=None, *, items=10):
    """A linear layer after its training, its weight after every epoch, and the epochs."""
    torch.manual_seed(0)
    layer, weights = nn.Linear(3, 1), []
    found = iter(said or ())

    def dev():
        weights.append(layer.weight.detach().clone())
        figure = next(found)
        return Scores(1, figure, figure, figure, figure, 0.0, 0.0, {}, {}, {})

    fit(
        "line",
        [layer],
        lambda chosen: layer(ROWS[chosen]).square().mean(),
        items=items,
        schedule=chosen,
        generator=Generator().manual_seed(0),
        following=Following(lambda *_: None, path / "line.state", dev if said else None),
    )
    return layer, weights, read_rows(path / "line.csv")


def test_patience_ends_a_stage_with_the_weights_of_its_best_epoch(tmp_path):
    layer, weights, epochs = learn(tmp_path, schedule(patience=2), [0.1, 0.5, 0.4, 0.5, 0.9, 0.9])
    assert [row["dev_weighted_f1"] for row in epochs] == ["0.1", "0.5", "0.4", "0.5"]
    assert torch.equal(layer.weight, weights[1])
    assert not torch.equal(layer.weight, weights[3])


def test_without_patience_a_stage_goes_to_its_end(tmp_path):
    layer, weights, epochs = learn(tmp_path, schedule(), [0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    assert len(epochs) == 6
    assert torch.equal(layer.weight, weights[-1])


def test_what_is_averaged_over_the_steps_is_looked_at_and_stands(tmp_path):
    layer, weights, _ = learn(tmp_path / "averaged", schedule(average=0.9), [0.0] * 6)
    last, plain, _ = learn(tmp_path / "plain", schedule(), [0.0] * 6)
    assert torch.equal(layer.weight, weights[-1])
    assert not torch.equal(layer.weight, last.weight)
    # Each is the mean of what came before, so it lags behind what is learning.
    for averaged, learning in zip(weights, plain, strict=True):
        assert not torch.equal(averaged, learning)
    state = torch.load(tmp_path / "averaged" / "line.state", weights_only=True)
    torch.testing.assert_close(state["modules"][0]["weight"], last.weight)


def test_patience_without_a_dev_part_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="stage line: patience needs a dev part"):
        learn(tmp_path, schedule(patience=2))


def test_nothing_to_learn_from_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="nothing to learn from"):
        learn(tmp_path, schedule(), items=0)


def test_fewer_items_than_a_batch_are_one_batch(tmp_path):
    _, _, epochs = learn(tmp_path, schedule(batch=32))
    assert len(epochs) == 6


def test_a_training_that_runs_away_is_told_and_leaves_no_state(tmp_path):
    with pytest.raises(ConfigurationError, match="ran away"):
        learn(tmp_path, schedule(learning_rate=1e30))
    assert not (tmp_path / "line.state").exists()
