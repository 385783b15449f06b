from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.training.corpora.featured import FeaturedTurns
from engine.training.evidence import recipe
from engine.training.evidence.choose import Tried, choose, chosen, tried
from engine.training.evidence.fit import chances, fit
from engine.training.evidence.linear import discriminant, evidence
from engine.training.evidence.measure import measure, say
from engine.training.evidence.panel import Lender, panel
from engine.training.evidence.setting import Setting
from engine.training.evidence.table import as_markdown
from engine.training.evidence.tokens import tokens

QUICK = Setting(width=8, epochs=6, batch=8, learning_rate=1e-2, dropout=0.0, class_power=0.5)


def echoed(dialogues, *, seed, told=4):
    """Dialogues of two in which the first turn says the label of the next ones; the others say nothing."""
    draw = np.random.default_rng(seed)
    wanted = draw.integers(0, 2, dialogues)
    audio = draw.normal(0, 0.3, (dialogues, told, 3)).astype(np.float32)
    audio[:, 0, 0] += 4 * wanted - 2
    return FeaturedTurns(
        audio=audio.reshape(-1, 3),
        face=np.full((dialogues * told, 1), np.nan, np.float32),
        labels=np.repeat(wanted, told).astype(np.int64),
        speakers=np.tile(np.array(["A", "B"]), dialogues * told // 2),
        dialogues=np.repeat(np.arange(dialogues), told),
        utterances=np.tile(np.arange(told), dialogues),
    )


@pytest.fixture(scope="module")
def said():
    train, test = echoed(60, seed=0), echoed(20, seed=1)
    return test, say(train, test, QUICK, seeds=2)


def test_history_is_worth_what_only_the_first_turn_tells(said):
    test, of_it = said
    told = measure([test], [of_it])
    assert told.over_control.low > 0
    assert told.rows[2].weighted_f1.value > 0.9
    assert "one of 2 seeds" in as_markdown(told)


def test_who_is_withheld_is_not_heard(said):
    test, of_it = said
    assert len(of_it.places) == len(test.labels)
    without_a = test.speakers[of_it.places] == "B"
    # B never says the label; with A withheld nobody does.
    right = of_it.withheld.argmax(axis=1) == test.labels[of_it.places]
    assert right[without_a].mean() < 0.8 < right[~without_a].mean()


def test_a_turn_is_decided_from_the_turns_up_to_it():
    train, test = echoed(12, seed=0), echoed(3, seed=1)
    heard = tokens(train, test, QUICK)
    model = fit(heard, replace(QUICK, epochs=1), seed=0)
    changed = replace(heard.test, heard=heard.test.heard.clone())
    changed.heard[2::4] += 5.0
    before, after = chances(model, heard.test, heard.ask), chances(model, changed, heard.ask)
    assert after.reshape(3, 4, 7)[:, :2] == pytest.approx(before.reshape(3, 4, 7)[:, :2])
    assert not np.allclose(after.reshape(3, 4, 7)[:, 2:], before.reshape(3, 4, 7)[:, 2:], atol=1e-4)


def test_the_same_seed_says_the_same():
    heard = tokens(echoed(12, seed=0), echoed(3, seed=1), QUICK)
    setting = replace(QUICK, epochs=1, borrow=0.5)
    first, second = (chances(fit(heard, setting, seed=3), heard.test, heard.ask) for _ in range(2))
    assert (first == second).all()


def test_the_discriminant_is_the_gaussians_of_one_covariance():
    draw = np.random.default_rng(0)
    features, labels = draw.normal(size=(40, 3)) * [1, 2, 5] + [0, 3, 0], draw.integers(0, 2, 40).astype(np.int64)
    asked, share = draw.normal(size=(5, 3)), 0.4
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    scaled = (features - mean) / spread
    centres = [scaled[labels == one].mean(axis=0) for one in (0, 1)]
    around = np.concatenate([scaled[labels == one] - centres[one] for one in (0, 1)])
    covariance = around.T @ around / 40
    covariance = (1 - share) * covariance + share * np.trace(covariance) / 3 * np.eye(3)
    told = discriminant(features, labels, shrinkage=share)(asked)
    for row, one in zip(told, (asked - mean) / spread, strict=True):
        likely = [-0.5 * (one - c) @ np.linalg.inv(covariance) @ (one - c) for c in centres]
        assert row[1] - row[0] == pytest.approx(likely[1] - likely[0])
        assert (row[2:] == min(row[:2])).all()


def test_a_training_turn_is_scored_by_a_front_that_has_not_met_its_dialogue():
    draw = np.random.default_rng(0)
    features, labels = draw.normal(size=(60, 40)), draw.integers(0, 2, 60).astype(np.int64)
    own, _ = evidence(features, labels, np.arange(60), features[:1], shrinkage=0.01)
    met = discriminant(features, labels, shrinkage=0.01)(features)
    assert (met.argmax(axis=1) == labels).mean() > 0.9
    assert (own.argmax(axis=1) == labels).mean() < 0.75


def test_a_voice_is_borrowed_from_a_turn_of_the_same_label():
    labels = torch.tensor([0, 0, 1, 1, 1])
    own = panel(labels.numpy(), np.array(["A", "B", "A", "A", "B"]), np.array([0, 0, 1, 1, 1]))
    draw = torch.Generator().manual_seed(0)
    lent = torch.stack([Lender(labels).lend(own, chance=1.0, generator=draw)[own.real] for _ in range(50)])
    assert (labels[lent] == labels).all()
    assert set(lent[:, 4].tolist()) == {2, 3, 4}


def test_without_a_chance_every_turn_keeps_its_voice():
    own = panel(np.array([1, 0, 1]), np.array(["A", "B", "B"]), np.array([0, 0, 1]))
    lent = Lender(torch.tensor([1, 0, 1])).lend(own, chance=0.0, generator=torch.Generator())
    assert lent[own.real].tolist() == [0, 1, 2]
    assert own.speakers[own.real].tolist() == [0, 1, 0]


def test_the_choice_goes_on_where_it_stopped_and_takes_the_best(tmp_path):
    asked = recipe.Recipe("meld-six", 1, 2, 1, {"none": replace(QUICK, learning_rate=1e-9), "some": QUICK})
    parts, path = [echoed(24, seed=0)], tmp_path / "choice.csv"
    first = next(choose(asked, parts, path))
    assert [one.setting for one in choose(asked, parts, path)] == ["some"]
    assert tried(path)[0] == first
    assert chosen(asked, tried(path), 1) == {0: "some"}


def test_nothing_is_measured_before_everything_was_tried(tmp_path):
    with pytest.raises(ConfigurationError, match="choose a setting before"):
        tried(tmp_path / "choice.csv")
    asked = recipe.load("meld-six")
    with pytest.raises(ConfigurationError, match="not tried yet"):
        chosen(asked, [Tried(0, next(iter(asked.settings)), 0.5)], 1)


@pytest.mark.parametrize("name", ["meld-six", "meld-embeddings"])
def test_the_recipes_can_be_read(name):
    assert recipe.load(name).corpus == name


def test_what_a_recipe_cannot_say_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "FOLDER", tmp_path)
    (tmp_path / "odd.toml").write_text("[all]\nspeed = 2\n[settings]\n")
    with pytest.raises(ConfigurationError, match="no speed"):
        recipe.load("odd")
    with pytest.raises(ConfigurationError, match="there are odd"):
        recipe.load("other")
