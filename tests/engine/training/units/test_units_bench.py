"""A fusion model on performances: what is measured, on whom, and what an interruption costs."""

import json
from itertools import product

import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.training.corpora.ravdess_units import read as read_performances
from engine.training.fitting import fit as fitting
from engine.training.recipe import FOLDER
from engine.training.units import run as running
from engine.training.units.contour import described
from engine.training.units.learning import Given, _Changing
from engine.training.units.material import FILE, Scaled, read, scaled
from engine.training.units.recipe import SHIPPED, Augmentation, load
from engine.training.units.report import write
from engine.training.units.run import BOTH, CONTENDERS, NO_AUDIO, run
from engine.training.voices import answers
from engine.training.voices.recipe import load as load_voices

ACTORS = 6
SMALL = {"width": 8, "feed_forward_width": 8}


@pytest.fixture
def data(tmp_path):
    """Six actors say eight emotions twice; an emotion is one action unit and one loudness, an actor an offset."""
    rng = np.random.default_rng(0)
    names, units, audio = [], [], []
    for actor, emotion, said in product(range(1, ACTORS + 1), range(1, 9), range(1, 3)):
        names.append(f"01-01-{emotion:02d}-01-01-{said:02d}-{actor:02d}")
        units.append(np.abs(rng.normal(0.1 * actor, 0.02, 35)) + 3 * np.eye(35)[emotion])
        contour = rng.normal(-60, 1, 259) + 10 * emotion * ((np.arange(259) > 40 + actor) & (np.arange(259) < 180))
        audio.append(np.where(np.arange(259) < 250, contour, 0))
    folder = tmp_path / "data"
    folder.mkdir()
    np.savez(
        folder / FILE,
        name=np.array(names),
        action_units=np.array(units, np.float32),
        audio=np.array(audio, np.float32),
    )
    return folder


@pytest.fixture
def recipe():
    chosen = load(SHIPPED)
    training = chosen.training.model_copy(update={"epochs": 2, "batch": 16, "members": 2})
    protocol = chosen.protocol.model_copy(update={"folds": 2, "inner": 2})
    fusion = chosen.fusion.model_copy(update=SMALL)
    return chosen.model_copy(update={"training": training, "protocol": protocol, "fusion": fusion})


def silent(*_):
    """Nobody looks."""


def test_every_performance_is_answered_once_by_models_that_never_met_the_actor(data, recipe, tmp_path):
    made = run(recipe, tmp_path / "out", data=data, progress=silent)
    for member in made.members:
        fused = [one.voice for one in member if (one.corpus, one.condition) == ("fused", BOTH)]
        assert sorted(fused) == sorted(made.material.performances.names)
    text = write(tmp_path / "out", recipe, made)
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {row["corpus"] for row in result["rows"]} == set(CONTENDERS)
    assert NO_AUDIO in text
    assert all(0 <= row["accuracy"]["low"] <= row["accuracy"]["high"] <= 1 for row in result["rows"])
    assert len(result["folds"]) == 2


def test_a_killed_run_goes_on_to_the_same_answers(data, recipe, tmp_path, monkeypatch):
    whole = run(recipe, tmp_path / "whole", data=data, progress=silent)
    keep, epochs = fitting.keep, iter(range(5))

    def killed(path, state):
        keep(path, state)
        if next(epochs) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "killed", data=data, progress=silent)
    monkeypatch.setattr(fitting, "keep", keep)
    again = run(recipe, tmp_path / "killed", data=data, progress=silent)
    for first, second in zip(whole.members, again.members, strict=True):
        assert [(one.voice, one.condition, one.chances.tolist()) for one in first] == [
            (one.voice, one.condition, one.chances.tolist()) for one in second
        ]


def test_choosing_reads_nobody_of_the_first_fold(data, recipe):
    material = read(recipe, data=data)
    held = set(material.performances.actors[material.folds[0].test])
    inner = read(recipe.measured(voices=None, choosing=True, by_actor=False), data=data)
    for fold in inner.folds:
        met = set(inner.performances.actors[np.concatenate([fold.train, fold.test])])
        assert not met & held
        assert not set(inner.performances.actors[fold.train]) & set(inner.performances.actors[fold.test])


def test_values_are_scaled_by_the_training_part_alone(data, recipe):
    material = read(recipe, data=data)
    rows = scaled(material, 0).at(material.folds[0].train)
    assert torch.allclose(rows.units.mean(0), torch.zeros(35), atol=1e-4)
    assert not torch.allclose(scaled(material, 0).units.mean(0), torch.zeros(35), atol=1e-2)


def test_each_actor_by_himself_is_another_protocol_and_says_so(data, recipe):
    plain = read(recipe, data=data)
    own = read(recipe.measured(voices=None, choosing=False, by_actor=True), data=data)
    assert "standardised by all of his own" in own.label
    assert "standardised" not in plain.label
    for actor in np.unique(own.performances.actors):
        assert np.allclose(own.units[own.performances.actors == actor].mean(axis=0), 0, atol=1e-4)


def test_a_contour_is_told_by_its_speech_wherever_it_begins():
    speech = np.concatenate([np.full(20, -60.0), np.linspace(-30, -10, 50), np.full(20, -60.0)])
    early, late = np.zeros((2, 259), np.float32)
    early[:90], late[:120] = speech, np.concatenate([np.full(30, -60.0), speech])
    one, other = described(np.stack([early, late]))
    assert one[0] == 90
    assert other[1] == one[1] + 30
    assert one[3] == other[3]
    assert np.allclose(one[-32:], other[-32:])
    assert np.isfinite(described(np.zeros((1, 259), np.float32))).all()


def test_moving_goes_from_one_actor_towards_another_and_no_further():
    values = torch.tensor([[0.0], [0.0], [4.0], [4.0]])
    changing = _Changing(
        Scaled(values, values),
        torch.tensor([0, 0, 1, 1]),
        Augmentation(elsewhere=0.5),
        torch.Generator().manual_seed(0),
    )
    moved = torch.cat([changing.moved(torch.tensor([0, 2])) for _ in range(50)])
    low, high = moved[0::2], moved[1::2]
    assert low.min() >= 0
    assert 1 < low.max() <= 2
    assert 2 <= high.min() < 3
    heard, seen = changing.left(100, Given())
    assert heard.all()
    assert seen.all()


def test_a_missing_modality_leaves_the_other():
    changing = _Changing(
        Scaled(torch.zeros(1, 1), torch.zeros(1, 1)),
        torch.tensor([0]),
        Augmentation(missing=0.4),
        torch.Generator().manual_seed(0),
    )
    heard, seen = changing.left(200, Given())
    assert (heard | seen).all()
    assert 0.3 < (~heard).float().mean() < 0.5
    heard, seen = changing.left(200, Given(audio=False))
    assert not heard.any()
    assert seen.all()


def test_mixed_classes_are_not_for_a_model_with_a_loss_of_its_own(data, recipe, tmp_path):
    attsf = recipe.fusion.model_validate({"name": "attsf", "width": 8, "length": 1, "heads": 2})
    with pytest.raises(ConfigurationError, match="mixup"):
        run(recipe.model_copy(update={"fusion": attsf}), tmp_path / "out", data=data, progress=silent)


def test_voices_of_other_folds_are_refused(data, recipe, tmp_path, monkeypatch):
    folder = tmp_path / "voices" / "digest"
    (folder / "fold-1-member-1").mkdir(parents=True)
    voices = load_voices(FOLDER / "voice.toml")
    (folder.parent / "results.json").write_text(json.dumps({"recipe": voices.model_dump(mode="json")}))
    chances = np.full(8, 0.125)
    answers.write(
        folder / "fold-1-member-1" / "answers.csv",
        [answers.Answer("clean", "ravdess", "x", "99", "male", 0, chances)],
    )
    monkeypatch.setattr("engine.training.units.voices._spectra", lambda *_: [])
    with pytest.raises(ConfigurationError, match="99"):
        read(recipe.measured(voices=folder, choosing=False, by_actor=False), data=data)


def test_performances_keep_their_names(data):
    assert read_performances(data / FILE).names[0] == "01-01-01-01-01-01-01"
    assert running.CLASSES["fused"][0] == "neutral"
