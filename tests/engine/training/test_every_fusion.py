"""Every fusion model and every dialogue model from a recipe to a served turn, by its name alone."""

import json

import numpy as np
import pytest

from actors.cli import main
from engine import artifact
from engine.errors import ConfigurationError
from engine.fusion.builders import NAMES
from engine.models import load_models
from engine.signals import FACE_SIZE, StepRequest, Utterance
from engine.training.recipe import load
from engine.training.train import train
from simulators.samples import CALL

ATTSF = {"cmb_layers": 1, "sab_layers": 1, "avam_layers": 1, "length": 4, "heads": 2}
SMALL = {"attsf": ATTSF, "attsf-l2": ATTSF, "attsf-gat": ATTSF, "rjca": {"hidden": 4}, "rjca+dca": {"hidden": 4}}


def silent(*_):
    """Report no progress."""


@pytest.fixture(scope="module")
def made(shared_corpora, tmp_path_factory):
    """Checkpoints by name, each made once; they share the encoders' stages."""
    folder = tmp_path_factory.mktemp("runs")
    kept = {}

    def make(name, **chosen):
        if name not in kept:
            recipe = load(shared_corpora.recipe).choosing(**chosen)
            numbers = recipe.fusion.model_copy(update=SMALL.get(recipe.fusion.name, {}))
            kept[name] = train(
                recipe.model_copy(update={"fusion": numbers}),
                folder / name,
                data=shared_corpora.folder,
                progress=silent,
                stages=folder / "stages",
            )
        return kept[name]

    def by_name(name):
        if name == "alone":
            return make(name, dialogue="none")
        family, _, gate = name.partition("+")
        return make(name, fusion=family, gate=gate or None)

    return by_name


def heard_and_seen():
    random = np.random.default_rng(0)
    faces = random.integers(0, 255, (3, FACE_SIZE, FACE_SIZE, 3), dtype=np.uint8)
    sound = random.normal(0, 0.1, 8000).astype(np.float32)
    return Utterance("a", sound, faces), Utterance("b", sound[:5000], None), Utterance("a", None, faces[:1])


def chances(outcome):
    return np.stack([estimate.distribution for estimate in outcome.estimates])


@pytest.mark.parametrize("name", [*NAMES, "alone"])
def test_a_name_becomes_a_checkpoint_that_is_measured_and_answers(made, name):
    read = artifact.read(made(name))
    assert read.config["fusion"]["name"] == ("avafn" if name == "alone" else name)
    measured = read.config["metrics"]["scripted test"]
    assert measured["turns"] == 24
    assert f"- Fusion: `{read.config['fusion']['name']}` (" in (read.folder / "README.md").read_text()
    assert 0 <= measured["weighted_f1_low"] <= measured["weighted_f1_high"] <= 1
    assert "scripted test, utterance only" in read.config["metrics"]
    (outcome,) = load_models(read, explain=True, device="cpu").infer([StepRequest({}, heard_and_seen())])
    assert chances(outcome).shape == (3, 7)
    np.testing.assert_allclose(chances(outcome).sum(axis=1), 1, atol=1e-5)
    assert [estimate.weight_audio for estimate in outcome.estimates[1:]] == [1.0, 0.0]
    assert bool(outcome.estimates[0].gate) == (name.endswith("+dca") or name in ("attsf-l2", "attsf-gat"))


def test_no_two_names_have_one_id(made):
    ids = {artifact.read(made(name)).model_id for name in (*NAMES, "alone")}
    assert len(ids) == len(NAMES) + 1


def test_an_utterance_model_has_no_dialogue_part_and_no_memory(made):
    read = artifact.read(made("alone"))
    assert read.config["dialogue"] == {"name": "none"}
    assert not read.part("dialogue")
    assert "Decided by the utterance alone" in (read.folder / "README.md").read_text()
    models, turns = load_models(read, explain=True, device="cpu"), heard_and_seen()
    before = {"centroid/a": np.ones(3, np.float32)}
    forward, backward = models.infer([StepRequest(before, turns), StepRequest({}, turns[::-1])])
    np.testing.assert_allclose(chances(forward), chances(backward)[::-1], atol=1e-6)
    assert forward.tensors == before
    assert backward.tensors == {}
    measured = read.config["metrics"]
    assert measured["scripted test"]["weighted_f1"] == measured["scripted test, utterance only"]["weighted_f1"]


@pytest.mark.parametrize("name", ["attsf-l2", "jca+dca", "alone"])
def test_a_checkpoint_runs_in_the_whole_engine(made, name, tmp_path, capsys):
    header, *lines = (CALL / "manifest.csv").read_text().splitlines()
    for line in lines[:2]:
        (tmp_path / line.split(",")[3]).symlink_to((CALL / line.split(",")[3]).resolve())
    (tmp_path / "manifest.csv").write_text("\n".join([header, *lines[:2]]) + "\n")
    assert main(["analyze", str(tmp_path), "--checkpoint", str(made(name)), "--json"]) == 0
    said = capsys.readouterr()
    events = [json.loads(line) for line in said.out.splitlines()]
    assert {event["model_id"] for event in events} == {artifact.read(made(name)).model_id}
    answered = [event for event in events if event["distribution"] is not None]
    assert answered
    assert all(np.isfinite(list(event["distribution"].values())).all() for event in answered)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"fusion": "cca"}, "no fusion model is called 'cca'; there are avafn, avt-ca"),
        ({"fusion": "avafn", "gate": "dca"}, r"no fusion model is called 'avafn\+dca'"),
        ({"gate": "dca"}, r"no fusion model is called 'avafn\+dca'"),
        ({"dialogue": "gru"}, "no dialogue model is called 'gru'; there are avafn, none"),
    ],
)
def test_what_is_not_there_is_named_before_anything_is_read(shared_corpora, tmp_path, asked, says):
    with pytest.raises(ConfigurationError, match=says):
        train(load(shared_corpora.recipe).choosing(**asked), tmp_path, data=tmp_path / "nowhere", progress=silent)


def test_a_number_that_the_model_does_not_have_is_named(shared_corpora, tmp_path):
    recipe = load(shared_corpora.recipe)
    recipe = recipe.model_copy(update={"fusion": recipe.fusion.model_copy(update={"recursions": 3})})
    with pytest.raises(ConfigurationError, match="fusion jca has no recursions; its numbers are audio_width"):
        train(recipe.choosing(fusion="jca"), tmp_path, data=tmp_path / "nowhere", progress=silent)


def test_a_choice_stands_above_the_recipe(shared_corpora):
    recipe = load(shared_corpora.recipe)
    gated = recipe.choosing(fusion="tca", gate="dca")
    assert gated.fusion.name == "tca+dca"
    assert gated.choosing(gate="dca").fusion.name == "tca+dca"
    assert gated.choosing(fusion="ca").fusion.name == "ca"
    assert gated.fusion.model_dump()["width"] == recipe.fusion.model_dump()["width"]
    assert recipe.choosing(dialogue="avafn") == recipe
    with pytest.raises(ConfigurationError, match="no numbers for dialogue avafn"):
        recipe.choosing(dialogue="none").choosing(dialogue="avafn")


def test_a_part_of_the_papers_is_left_out_by_the_recipe(shared_corpora, tmp_path):
    text = shared_corpora.recipe.read_text()
    text = text.replace("[fusion]\n", '[fusion]\nname = "avt-ca"\ncross_heads = "none"\n')
    path = tmp_path / "without.toml"
    path.write_text(text.replace("[dialogue]\n", '[dialogue]\nablation = "no_ilm"\n'))
    without = load(path)
    assert without.fusion.model_dump()["cross_heads"] is None
    assert without.dialogue.arguments(width=8)["ablation"] == "no_ilm"
    assert "ablation" not in load(shared_corpora.recipe).dialogue.arguments(width=8)
    path.write_text(text.replace("[dialogue]\n", '[dialogue]\nablation = "no_one"\n'))
    with pytest.raises(ConfigurationError, match="dialogue"):
        load(path)


def test_the_command_chooses_and_shares_the_encoders(shared_corpora, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["train", str(shared_corpora.recipe), "--data", str(shared_corpora.folder)]
    assert main([*command, "--fusion", "ca", "--gate", "dca", "--dialogue", "none"]) == 0
    assert "turntone model show runs/small-ca-dca-none" in " ".join(capsys.readouterr().out.split())
    config = artifact.read(tmp_path / "runs" / "small-ca-dca-none").config
    assert (config["fusion"]["name"], config["dialogue"]) == ("ca+dca", {"name": "none"})
    assert main([*command, "--fusion", "tca"]) == 0
    stages = [path.name.partition("-")[0] for path in (tmp_path / "runs" / "small" / "stages").glob("*.safetensors")]
    assert sorted(stages) == ["dialogues", "dialogues", "face", "voice"]


def test_a_face_encoder_has_no_fusion_to_choose(tmp_path, capsys):
    assert main(["train", "dan", "--data", str(tmp_path), "--fusion", "ca"]) == 1
    assert "--fusion means nothing to dan.toml" in " ".join(capsys.readouterr().err.split())
