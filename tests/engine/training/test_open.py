"""The open checkpoint: what may be done with it, what it never says, and how well it does on whom it never heard."""

from pathlib import Path

import pytest

from actors import doctor
from engine import artifact
from engine.models import load_models
from engine.training import recipe
from engine.training.corpora import emodb
from engine.training.measured.evaluate import evaluate

DATA = Path(__file__).parents[4] / "shared" / "data"
CHANCE = 1 / 6
FOLDER = artifact.find("open")


@pytest.fixture(scope="module")
def read():
    return artifact.read(FOLDER)


def test_it_is_whole_and_small_and_found_by_its_name(read):
    assert read.config["model_id"] == load_models(read, explain=True, device="cpu").model_id
    assert (FOLDER / "model.safetensors").stat().st_size < 3_000_000
    assert not read.sees
    found = doctor.checkpoint_files("open")
    assert found.status == "ok"
    assert read.model_id in found.sentence


def test_everything_it_learned_from_allows_any_use(read):
    assert [(one["name"], one["licence"], one["use"]) for one in read.config["data"]] == [("EmoDB", "CC0 1.0", "any")]
    assert read.licence.startswith("Any use")
    card = (FOLDER / "README.md").read_text()
    assert read.model_id in card
    for speaker in sorted(emodb.BUNDLED_SPEAKERS):
        assert f"EmoDB speaker {speaker}" in card


def test_it_never_says_surprise(read):
    assert read.config["unlearned"] == ["surprise"]
    for bias in ("fusion.head.bias", "dialogue.classifier.bias"):
        assert [label for label, one in zip(read.config["labels"], read.tensors[bias].tolist(), strict=True)
                if one == float("-inf")] == ["surprise"]  # fmt: skip


def test_its_recipe_holds_out_who_speaks_in_a_sample_and_names_no_other_corpus():
    chosen = recipe.load(recipe.FOLDER / "open.toml")
    assert chosen.corpora.names == ("emodb",)
    assert not {*chosen.speakers.emodb_train, *chosen.speakers.emodb_dev} & emodb.BUNDLED_SPEAKERS
    assert not set(chosen.speakers.emodb_train) & set(chosen.speakers.emodb_dev)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared corpora are not at {DATA}")
def test_what_its_card_says_of_speakers_it_never_heard_is_so(read):
    rows = {row.name: row for row in evaluate("open", "emodb", data=DATA)}
    assert len(rows) == 3
    for name, row in rows.items():
        stated = read.config["metrics"][name]
        assert row.causal.scores.turns == stated["turns"]
        assert row.causal.scores.uar == pytest.approx(stated["uar"], abs=0.02)
        assert row.causal.scores.uar > 2 * CHANCE
