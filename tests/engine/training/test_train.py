import json

import numpy as np
import pytest

from engine import artifact, parts
from engine.calibration import probabilities
from engine.drift import reference
from engine.errors import ConfigurationError
from engine.models import load_models
from engine.signals import StepRequest, Utterance
from engine.training.corpora import ravdess, scripted
from engine.training.corpora.base import NO_FACES
from engine.training.learned.dialogues import predict
from engine.training.material import tokens
from engine.training.material.batches import Assembler, only
from engine.training.measured.evaluate import evaluate
from engine.training.recipe import load
from engine.training.train import train


@pytest.fixture
def trained(small_corpora, tmp_path):
    steps = []
    out = train(
        load(small_corpora.recipe),
        tmp_path / "out",
        data=small_corpora.folder,
        progress=lambda *step: steps.append(step),
    )
    return out, steps


def test_a_recipe_becomes_a_checkpoint_the_engine_loads(trained):
    out, steps = trained
    assert {stage for stage, *_ in steps} == {"voice", "face", "dialogues"}
    assert all(np.isfinite(loss) for *_, loss in steps)
    read = artifact.read(out)
    assert read.config["model_id"] == read.model_id
    assert read.licence.startswith("Research only")
    card = (out / "README.md").read_text()
    assert read.model_id in card
    for corpus in ("RAVDESS", "EmoDB", "FER2013", "MELD"):
        assert corpus in card
        assert corpus in (out / "LICENSE").read_text()
    assert load_models(read, explain=True, device="cpu").model_id == read.model_id
    assert "turns of scripted train and EmoDB, acted calls" in reference.read(out, model_id=read.model_id).source


def test_what_is_measured_is_what_is_served(trained, small_corpora):
    out, _ = trained
    read = artifact.read(out)
    loaded = parts.load(read)
    table = small_corpora.folder / "scripted" / "scripted_dev.csv"
    dialogue = tuple(only(turn, voice=True) for turn in scripted.read(table)[0])
    voices = ravdess.read(small_corpora.folder / "ravdess_speech_16k.tar", actors=[15])
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=voices,
        faces=NO_FACES,
        face_indices=[],
        versions=1,
        seed=0,
    )
    using = Assembler(bank=bank, audio_width=8, video_width=8)
    _, logits, _ = predict(loaded.fusion, loaded.decision, [dialogue], using)
    expected = probabilities(logits, temperature=loaded.temperature)
    audio = {voice.name: voice.audio for voice in voices}
    turns = tuple(Utterance(speaker=turn.speaker, audio=audio[turn.voice], faces=None) for turn in dialogue)
    (outcome,) = load_models(read, explain=False, device="cpu").infer([StepRequest(tensors={}, turns=turns)])
    got = np.stack([estimate.distribution for estimate in outcome.estimates])
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_stages_that_are_there_are_not_made_again(trained, small_corpora):
    out, _ = trained
    before = (out / "model.safetensors").read_bytes()
    steps = []
    train(load(small_corpora.recipe), out, data=small_corpora.folder, progress=lambda *step: steps.append(step))
    assert steps == []
    assert (out / "model.safetensors").read_bytes() == before


def test_a_changed_stage_is_made_again_and_no_other(trained, small_corpora):
    out, _ = trained
    text = small_corpora.recipe.read_text().replace("participant_missing = 0.5", "participant_missing = 0.4")
    small_corpora.recipe.write_text(text)
    steps = []
    train(load(small_corpora.recipe), out, data=small_corpora.folder, progress=lambda *step: steps.append(step))
    assert {stage for stage, *_ in steps} == {"dialogues"}


def test_the_same_recipe_gives_the_same_weights(trained, small_corpora, tmp_path):
    out, _ = trained
    again = train(load(small_corpora.recipe), tmp_path / "again", data=small_corpora.folder, progress=lambda *_: None)
    assert artifact.read(again).model_id == artifact.read(out).model_id


@pytest.mark.parametrize(
    ("corpus", "turns"), [("ravdess", [16]), ("emodb", [6, 6]), ("scripted", [24] * 6), ("fer2013", [21])]
)
def test_a_known_corpus_is_scored_on_who_was_held_out(trained, small_corpora, corpus, turns):
    out, _ = trained
    found = list(evaluate(str(out), corpus, data=small_corpora.folder))
    assert [row.causal.scores.turns for row in found] == turns


def test_a_manifest_is_scored(trained, small_corpora):
    out, _ = trained
    (row,) = evaluate(str(out), str(small_corpora.manifest), data=small_corpora.folder)
    assert row.causal.scores.turns == 2
    assert 0 <= row.causal.scores.weighted_f1 <= 1


def test_a_corpus_that_is_not_there_is_named(small_corpora, tmp_path):
    (small_corpora.folder / "emodb_16k.tar").unlink()
    with pytest.raises(ConfigurationError, match=r"EmoDB is not at .*emodb_16k.tar"):
        train(load(small_corpora.recipe), tmp_path / "out", data=small_corpora.folder, progress=lambda *_: None)


def test_a_bundled_voice_in_a_recipe_is_refused(small_corpora, tmp_path):
    text = small_corpora.recipe.read_text().replace("emodb_train = [3]", "emodb_train = [3, 14]")
    small_corpora.recipe.write_text(text)
    with pytest.raises(ConfigurationError, match=r"\[14\].*not for training"):
        train(load(small_corpora.recipe), tmp_path / "out", data=small_corpora.folder, progress=lambda *_: None)


def test_a_recipe_with_an_unknown_name_is_refused(small_corpora, tmp_path):
    small_corpora.recipe.write_text(small_corpora.recipe.read_text().replace("crop_s", "crop_ms"))
    with pytest.raises(ConfigurationError, match="crop_ms"):
        train(load(small_corpora.recipe), tmp_path / "out", data=small_corpora.folder, progress=lambda *_: None)


def test_the_metrics_in_the_configuration_are_numbers(trained):
    out, _ = trained
    metrics = json.loads((out / "config.json").read_text())["metrics"]
    assert "scripted dev" in metrics
    for row in metrics.values():
        assert 0 <= row["weighted_f1"] <= 1
        assert 0 <= row["ece"] <= 1
