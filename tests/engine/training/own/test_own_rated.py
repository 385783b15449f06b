"""A corpus of one's own that is rated in valence and arousal, from its manifest to the event."""

import csv
from pathlib import Path

import numpy as np
import pytest

from engine import artifact
from engine.errors import ConfigurationError
from engine.models import load_models
from engine.signals import StepRequest, Utterance
from engine.training.corpora.base import Turn
from engine.training.own import affect
from engine.training.own.recipe import load
from engine.training.own.train import train
from engine.training.recipe import FOLDER
from schemas.labels import CIRCUMPLEX
from simulators.samples import CALL

HEAD = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,valence,arousal"


def manifest(path, *dialogues, rated, turns=6):
    """The bundled call as dialogues of a few turns each; where rated, half as strong as the map, but for one turn."""
    with (CALL / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    said = [HEAD]
    for number in dialogues:
        for place, row in enumerate(rows[number * turns : (number + 1) * turns]):
            valence, arousal = CIRCUMPLEX[row["emotion"]]
            ratings = f"{valence / 2},{arousal / 2}" if rated and place else ","
            name = f"part{number},{row['utterance_id']},{row['speaker']}"
            said.append(f"{name},{CALL / row['media']},,,{row['emotion']},{ratings}")
    path.write_text("\n".join(said) + "\n")
    return path


def learn(source, out, *, base, test=None):
    recipe = load(FOLDER / "own.toml")
    schedule = recipe.dialogue_training.model_copy(update={"epochs": 3, "patience": None, "versions": 2})
    recipe = recipe.model_copy(update={"dialogue_training": schedule})
    with pytest.MonkeyPatch.context() as patch:
        # A part of the bundled call is all that is there.
        patch.setattr(affect, "FEWEST_TO_LEARN", 5)
        return train(recipe, source, out, base=str(base), test=test, progress=lambda *_: None)


def sources(checkpoint):
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    models = load_models(artifact.read(checkpoint), explain=True, device="cpu")
    (outcome,) = models.infer([StepRequest({}, (Utterance("a", sound, None),))])
    return {estimate.affect_source for estimate in outcome.estimates}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rated")
    test = manifest(folder / "unseen.csv", 3, rated=True)
    return learn(manifest(folder / "mine.csv", 0, 1, 2, rated=True), folder / "out", base="default", test=test)


def test_where_a_manifest_is_rated_the_event_says_what_was_learned(made):
    read = artifact.read(made)
    assert (read.config["fusion"]["affect"], read.config["affect"]) == (True, {"source": "regression"})
    assert sources(made) == {"regression"}
    assert "valence and arousal by regression" in (made / "README.md").read_text()
    measured = read.config["metrics"]["unseen"]
    assert measured["rated_valence"] == measured["rated_arousal"] == 5
    assert -1 <= measured["ccc_valence"] <= 1
    gain = measured["gain_of_regression_arousal"]["value"]
    assert gain == pytest.approx(measured["ccc_arousal"] - measured["circumplex_ccc_arousal"]["value"])


def test_what_goes_on_from_there_without_ratings_says_the_map_again(made, tmp_path):
    again = learn(manifest(tmp_path / "unrated.csv", 0, 1, rated=False), tmp_path / "out", base=made)
    read = artifact.read(again)
    assert "affect" not in read.config["fusion"]
    assert read.config["affect"] == {"source": "circumplex"}
    assert not [name for name in read.tensors if "affect" in name]
    assert sources(again) == {"circumplex"}


def test_a_head_that_is_there_learns_on(made, tmp_path):
    again = learn(manifest(tmp_path / "more.csv", 1, 2, rated=True), tmp_path / "out", base=made)
    before, after = (artifact.read(one).part("fusion")["affect_head.weight"] for one in (made, again))
    assert before.shape == after.shape
    assert 0 < (after - before).abs().max() < before.abs().max()
    assert sources(again) == {"regression"}


def test_a_few_ratings_are_told_to_be_too_few():
    def turns(rated, plain=3):
        felt = [(0.5, 0.5)] * rated + [(None, None), (0.5, None), (None, 0.5)][:plain]
        return [tuple(Turn("a", 0, f"v{n}", None, *one) for n, one in enumerate(felt))]

    source = Path("mine.csv")
    assert affect.is_rated(turns(20), source)
    assert not affect.is_rated(turns(0), source)
    with pytest.raises(ConfigurationError, match=r"mine.csv rates .* of 19 of the turns .* takes 20: rate more"):
        affect.is_rated(turns(19), source)
