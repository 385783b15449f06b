import csv
import json

import pytest
import torch
from safetensors.torch import load_file

from engine.errors import CheckpointError, ConfigurationError
from engine.features.trained import load
from engine.training.corpora.fer2013 import Fer2013
from engine.training.recipe import FOLDER
from engine.training.recognition import recipe as recipes
from engine.training.recognition.bundle import bundle
from engine.training.recognition.run import LOG, Report, logits, train
from simulators.samples import CALL, MEETING

SILENT = Report(step=lambda *_: None, line=lambda _: None)


def run(small_faces, name, out, *, stops_after=None, test=None):
    steps = []
    report = Report(step=lambda done, *_: steps.append(done), line=lambda _: None)
    stop = lambda: stops_after is not None and len(steps) >= stops_after  # noqa: E731
    return train(small_faces.recipes[name], out, data=small_faces.data, report=report, stop=stop, test=test), steps


def test_a_recipe_becomes_an_encoder_with_its_figures_and_its_card(small_faces, tmp_path):
    finished, steps = run(small_faces, "dan", tmp_path / "out")
    assert finished
    assert steps == list(range(1, len(steps) + 1))
    rows = list(csv.DictReader((tmp_path / "out" / LOG).read_text().splitlines()))
    assert [int(row["number"]) for row in rows] == [1, 2, 3]
    assert all(0 < float(row["loss"]) < 20 for row in rows)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["face_encoder"]["name"] == "dan"
    accuracy = config["dev"]["accuracy"]
    card = (tmp_path / "out" / "README.md").read_text()
    for said in ("dan", "FER2013", "research only", "Stem stride 2", "RAF-DB 89.70", f"{accuracy:.3f}"):
        assert said in card
    assert (tmp_path / "out" / "LICENSE").read_text().startswith("Research only")


@pytest.mark.parametrize("steps", [6, 9])
def test_a_training_that_stops_in_an_epoch_goes_on_to_the_same_weights(small_faces, tmp_path, steps):
    run(small_faces, "efficientface", tmp_path / "whole")
    finished, first = run(small_faces, "efficientface", tmp_path / "parts", stops_after=steps)
    assert not finished
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    finished, rest = run(small_faces, "efficientface", tmp_path / "parts")
    assert finished
    assert first[-1] + 1 == rest[0]
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert set(whole) == set(parts)
    for name, tensor in whole.items():
        assert torch.equal(tensor, parts[name]), name


def test_a_training_that_was_killed_goes_on_from_its_last_epoch(small_faces, tmp_path):
    run(small_faces, "efficientface", tmp_path / "whole")

    class Killed(Exception):
        pass

    def die(done, *_):
        if done == 7:
            raise Killed

    report = Report(step=die, line=lambda _: None)
    with pytest.raises(Killed):
        train(
            small_faces.recipes["efficientface"],
            tmp_path / "parts",
            data=small_faces.data,
            report=report,
            stop=lambda: False,
        )
    finished, rest = run(small_faces, "efficientface", tmp_path / "parts")
    assert finished
    assert rest[0] == 5
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())


def test_a_finished_training_is_not_made_again(small_faces, tmp_path):
    run(small_faces, "efficientface", tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    finished, steps = run(small_faces, "efficientface", tmp_path / "out")
    assert finished
    assert steps == []
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


def test_another_recipe_in_the_same_folder_begins_anew(small_faces, tmp_path):
    _, first = run(small_faces, "efficientface", tmp_path / "out")
    path = small_faces.recipes["efficientface"]
    path.write_text(path.read_text().replace("learning_rate = 1e-3", "learning_rate = 2e-3"))
    _, again = run(small_faces, "efficientface", tmp_path / "out")
    assert first == again


@pytest.mark.parametrize("name", ["dan", "efficientface"])
def test_the_recipes_that_come_with_turntone_are_read(name):
    path = FOLDER / f"{name}.toml"
    assert recipes.describes(path)
    assert recipes.load(path).face_encoder.name == name


def test_the_default_checkpoints_recipe_is_of_the_other_kind():
    assert not recipes.describes(FOLDER / "default.toml")


def test_a_manifest_that_nothing_has_seen_is_measured_at_the_end(small_faces, tmp_path):
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion\n"
    films = [f"{name},1,A,{MEETING / 'bbaf2n.mp4'},,,{said}\n" for name, said in (("d", "joy"), ("e", "anger"))]
    (tmp_path / "unseen.csv").write_text(head + "".join(films) + f"e,2,B,{CALL / '12b02Na.flac'},,,neutral\n")
    finished, _ = run(small_faces, "efficientface", tmp_path / "out", test=tmp_path / "unseen.csv")
    assert finished
    measured = json.loads((tmp_path / "out" / "config.json").read_text())["test"]
    assert (measured["condition"], measured["turns"]) == ("unseen", 2)
    # The same face twice: one of the two labels at most is said.
    assert measured["accuracy"] in (0, 0.5)
    assert measured["weighted_f1_low"] <= measured["weighted_f1"] <= measured["weighted_f1_high"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"`unseen`, 2 of them, weighted F1 {measured['weighted_f1']:.3f} [" in card


def test_a_test_without_a_face_is_told_before_anything_is_made(small_faces, tmp_path):
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion\n"
    (tmp_path / "heard.csv").write_text(f"{head}d,1,A,{CALL / '12b02Na.flac'},,,joy\n")
    with pytest.raises(ConfigurationError, match=r"heard\.csv: none of its films and stills shows a face"):
        run(small_faces, "dan", tmp_path / "out", test=tmp_path / "heard.csv")
    assert not (tmp_path / "out").exists()


def test_a_training_that_runs_away_is_stopped(small_faces, tmp_path):
    path = small_faces.recipes["efficientface"]
    path.write_text(path.read_text().replace("learning_rate = 1e-3", "learning_rate = 1e30"))
    with pytest.raises(ConfigurationError, match="the training ran away; a lower learning rate"):
        run(small_faces, "efficientface", tmp_path / "out")
    assert not (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize(("batch", "message"), [(1, "greater than or equal to 2"), (99, "less than a batch of 99")])
def test_a_batch_is_of_two_pictures_or_more_and_of_no_more_than_there_are(small_faces, tmp_path, batch, message):
    path = small_faces.recipes["efficientface"]
    path.write_text(path.read_text().replace("batch = 8", f"batch = {batch}"))
    with pytest.raises(ConfigurationError, match=message):
        run(small_faces, "efficientface", tmp_path / "out")


def test_a_recipe_must_end_with_what_is_served(small_faces):
    path = small_faces.recipes["efficientface"]
    path.write_text(path.read_text().replace("crop = 24\nepochs", "crop = 16\nepochs"))
    with pytest.raises(ConfigurationError, match=r"the last of training\.cycles"):
        recipes.load(path)


def test_a_recipe_with_an_unknown_name_is_refused(small_faces):
    path = small_faces.recipes["dan"]
    path.write_text(path.read_text().replace("heads", "hats"))
    with pytest.raises(ConfigurationError, match="hats"):
        recipes.load(path)


def test_the_folder_loads_as_the_encoder_that_was_measured(small_faces, tmp_path):
    run(small_faces, "efficientface", tmp_path / "out")
    encoder = load(tmp_path / "out")
    images = Fer2013(small_faces.data / "fer2013.npz").training.images[:5]
    crops = torch.from_numpy(images).float()[None, :, None].expand(-1, -1, 3, -1, -1) / 255
    with torch.no_grad():
        tokens, mask = encoder.extract(crops, torch.ones(1, 5, dtype=torch.bool))
        served = encoder.network.classifier(tokens[0])
    assert mask.all()
    torch.testing.assert_close(served, torch.from_numpy(logits(encoder, images)).float(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors"])
def test_a_folder_that_is_not_whole_is_refused(small_faces, tmp_path, damage):
    run(small_faces, "efficientface", tmp_path / "out")
    (tmp_path / "out" / damage).write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="no trained face encoder"):
        load(tmp_path / "out")


def test_a_bundle_is_half_as_large_and_answers_alike(small_faces, tmp_path):
    run(small_faces, "efficientface", tmp_path / "out")
    bundle(tmp_path / "out", tmp_path / "small")
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("small", "out")]
    assert sizes[0] < 0.6 * sizes[1]
    images = Fer2013(small_faces.data / "fer2013.npz").training.images
    answers = [logits(load(tmp_path / name), images) for name in ("small", "out")]
    assert abs(answers[0] - answers[1]).max() < 0.02
    assert (tmp_path / "small" / "LICENSE").is_file()
