import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.training.ablation.fit import fit
from engine.training.ablation.material import of_features
from engine.training.ablation.variants import DIRECTIONS, VARIANTS, states
from engine.training.corpora.featured import FeaturedTurns
from engine.training.fitting.study import Schedule
from engine.training.learned.encoders import class_weights

QUICK = Schedule(width=16, epochs=12, batch=8, learning_rate=1e-2, dropout=0.0)


def echoed(dialogues, *, seed, told=4):
    """Dialogues of two in which the first turn says the label of the next ones; the others say nothing."""
    draw = np.random.default_rng(seed)
    wanted = draw.integers(0, 2, dialogues)
    audio = draw.normal(0, 0.3, (dialogues, told, 3)).astype(np.float32)
    audio[:, 0, 0] += 4 * wanted - 2
    return FeaturedTurns(
        audio=audio.reshape(-1, 3),
        face=np.full((dialogues * told, 2), np.nan, np.float32),
        labels=np.where(np.arange(told) == 0, 3, wanted[:, None]).ravel().astype(np.int64),
        speakers=np.tile(np.array(["A", "B"]), dialogues * told // 2),
        dialogues=np.repeat(np.arange(dialogues), told),
        utterances=np.tile(np.arange(told), dialogues),
    )


@pytest.fixture(scope="module")
def material():
    return of_features(echoed(80, seed=0), echoed(30, seed=1), face=False)


def reached(material, variant, direction, schedule=QUICK):
    done = []
    fitted = fit(material, variant, direction, schedule=schedule, seed=0, epoch_done=lambda *what: done.append(what))
    assert [epoch for epoch, _, _ in done] == list(range(1, schedule.epochs + 1))
    assert 1 <= fitted.epoch <= schedule.epochs
    assert fitted.chances.sum(axis=1) == pytest.approx(np.ones(len(material.test.labels)))
    return float((fitted.chances.argmax(axis=1) == material.test.labels).mean())


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_with_history_what_was_said_before_is_known(material, direction):
    assert reached(material, "complete", direction) > 0.95


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_control_cannot_know_it(material, direction):
    assert reached(material, "single_turn", direction) < 0.75


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_control_is_its_cells_without_history(direction):
    torch.manual_seed(0)
    model = states("single_turn", direction, width=8, dropout=0.0).eval()
    u, v = torch.randn(2, 3, 5, 8)
    slots, lengths = torch.randint(0, 3, (3, 5)), torch.tensor([5, 5, 5])
    alone = (u.view(15, 1, 8), v.view(15, 1, 8), torch.zeros(15, 1, dtype=torch.long), torch.ones(15, dtype=torch.long))
    whole, single = model(u, v, slots, lengths), model(*alone)
    if direction == "causal":
        whole, single = whole[0], single[0]
    torch.testing.assert_close(whole.flatten(0, 1), single.flatten(0, 1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_with_noise_and_balance(material, variant):
    schedule = Schedule(width=8, epochs=2, batch=32, token_noise=0.5, class_power=0.5)
    assert 0 <= reached(material, variant, "bidirectional", schedule) <= 1


def test_a_seed_says_the_same_twice(material):
    schedule = Schedule(width=8, epochs=2, batch=16, token_noise=0.5)
    once, again = (
        fit(material, "complete", "causal", schedule=schedule, seed=3, epoch_done=lambda *_: None) for _ in range(2)
    )
    np.testing.assert_array_equal(once.chances, again.chances)
    assert (once.epoch, once.dev) == (again.epoch, again.dev)


def test_a_variant_that_is_not_there_is_named():
    with pytest.raises(ConfigurationError, match="no_memory"):
        states("no_memory", "causal", width=8, dropout=0.0)


def test_class_weights_balance_as_much_as_is_asked():
    labels = np.array([1] * 9 + [4])
    assert class_weights(labels, balance=0.0)[[1, 4]].tolist() == [1, 1]
    assert class_weights(labels, balance=1.0)[[1, 4]].tolist() == pytest.approx([10 / 18, 5])
    assert class_weights(labels, balance=1.0)[[0, 2, 3, 5, 6]].tolist() == [0] * 5


def test_a_variant_that_ran_away_has_no_score(material):
    with pytest.raises(ConfigurationError, match="ran away"):
        reached(material, "complete", "causal", Schedule(width=16, epochs=2, batch=8, learning_rate=1e30))
