from pathlib import Path

import pytest

from engine import artifact
from engine.models import load_models
from engine.training import recipe
from engine.training.corpora import emodb, scripted
from engine.training.measured.evaluate import evaluate

DATA = Path(__file__).parents[4] / "shared" / "data"


def test_the_default_checkpoint_is_whole_and_says_what_it_is():
    read = artifact.read(artifact.DEFAULT)
    assert read.config["model_id"] == load_models(read, explain=True, device="cpu").model_id
    assert read.licence.startswith("Research only")
    assert {one["name"]: one["licence"] for one in read.config["data"]} == {
        "RAVDESS": "CC BY-NC-SA 4.0",
        "EmoDB": "CC0 1.0",
        "FER2013": "unclear",
        "MELD tables (scripted dialogues)": "GPL-3.0 (tables); the media as their corpora",
    }


def test_the_default_recipe_holds_out_who_is_tested_and_who_speaks_in_a_sample():
    speakers = recipe.load(recipe.FOLDER / "default.toml").speakers
    heard = {*speakers.ravdess_train, *speakers.ravdess_dev}
    assert not heard & set(scripted.ACTORS["test"])
    assert not set(speakers.ravdess_train) & set(speakers.ravdess_dev)
    assert not {*speakers.emodb_train, *speakers.emodb_dev} & emodb.BUNDLED_SPEAKERS


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared corpora are not at {DATA}")
def test_the_default_checkpoint_beats_a_support_vector_machine_on_actors_it_never_heard():
    row = next(evaluate("default", "ravdess", data=DATA))
    assert row.causal.scores.turns == 180
    assert row.causal.scores.uar > 0.539
    assert row.causal.abstained.answered > 0.9
