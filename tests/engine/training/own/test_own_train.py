import csv
import json

import pytest

from engine import artifact, parts
from engine.artifact import DEFAULT
from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.models import load_models
from engine.training.corpora import manifest
from engine.training.corpora.base import Turn
from engine.training.fitting import fit
from engine.training.learned.unlearned import let_learn, silence
from engine.training.own import parting
from engine.training.own.recipe import OwnRecipe, describes, load
from engine.training.own.train import train
from engine.training.recipe import FOLDER
from schemas.labels import EMOTIONS
from simulators.samples import CALL, MEETING

SHIPPED = FOLDER / "own.toml"


def quiet(*_):
    """Nobody looks."""


def short(epochs=2):
    recipe = load(SHIPPED)
    schedule = recipe.dialogue_training.model_copy(update={"epochs": epochs, "patience": None, "versions": 2})
    return recipe.model_copy(update={"dialogue_training": schedule})


def sample(path, *dialogues, turns=6):
    """The bundled call as dialogues of a few turns each, those of these numbers."""
    with (CALL / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion"
    said = [
        f"part{number},{row['utterance_id']},{row['speaker']},{CALL / row['media']},,,{row['emotion']}"
        for number in dialogues
        for row in rows[number * turns : (number + 1) * turns]
    ]
    path.write_text("\n".join([head, *said]) + "\n")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    seen, unseen = sample(folder / "mine.csv", 0, 1, 2), sample(folder / "unseen.csv", 3)
    return train(short(), seen, folder / "out", base="default", test=unseen, progress=quiet)


def test_a_manifest_becomes_a_checkpoint_the_engine_loads(made):
    read, before = artifact.read(made), artifact.read(DEFAULT)
    assert load_models(read, explain=False, device="cpu").model_id == read.model_id != before.model_id
    for name, tensor in before.tensors.items():
        if name.startswith(("audio_encoder", "face_encoder")):
            assert tensor.equal(read.tensors[name])
    assert any(not tensor.equal(read.tensors[name]) for name, tensor in before.tensors.items() if "fusion" in name)
    assert "revision" not in read.config


def test_the_card_says_the_corpus_what_it_came_from_and_the_test(made):
    config = json.loads((made / "config.json").read_text())
    assert set(config["metrics"]) >= {"mine dev", "mine dev, default as it came", "unseen"}
    assert config["metrics"]["unseen"]["turns"] == 6
    assert config["data"][-1]["part"].startswith("2 dialogues; dev 1: whole dialogues, speakers of the same names")
    card = (made / "README.md").read_text()
    assert "and those of the manifest `mine`" in card
    for name in ("curves.png", "confusion.png", "reliability.png"):
        assert (made / name).is_file()
        assert f"({name})" in card


def test_an_interrupted_one_goes_on_to_the_same_bytes(made, tmp_path, monkeypatch):
    seen, unseen = made.parent / "mine.csv", made.parent / "unseen.csv"
    plain = fit.keep

    def keep(path, state):
        plain(path, state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fit, "keep", keep)
        with pytest.raises(KeyboardInterrupt):
            train(short(), seen, tmp_path, base="default", test=unseen, progress=quiet)
    train(short(), seen, tmp_path, base="default", test=unseen, progress=quiet)
    for name in ("model.safetensors", "config.json", "epochs.csv"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_one_dialogue_is_too_few(tmp_path):
    with pytest.raises(ConfigurationError, match=r"has 1 dialogue\(s\) with labelled turns; it takes two"):
        train(short(), sample(tmp_path / "one.csv", 0), tmp_path, base="default", test=None, progress=quiet)


def test_a_missing_test_is_told_before_anything_is_made(made, tmp_path):
    with pytest.raises(ConfigurationError, match="is no manifest to test with"):
        train(short(), made.parent / "mine.csv", tmp_path, base="default", test=tmp_path / "no.csv", progress=quiet)
    assert not list(tmp_path.iterdir())


def test_films_and_stills_give_faces_and_a_missing_sound_is_a_missing_modality(tmp_path):
    film = MEETING / "bbaf2n.mp4"
    path = tmp_path / "seen.csv"
    path.write_text(
        "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,face\n"
        f"d,1,A,{film},,,joy,\nd,2,B,{CALL / '12b02Na.flac'},,,neutral,\nd,3,A,,,,anger,\nd,4,A,{film},,,,\n"
    )
    found = manifest.read(path, locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
    ((first, second),) = found.dialogues
    assert (first.voice, first.face) == ("d/1", 0)
    assert (second.voice, second.face) == ("d/2", None)
    assert found.faces.images.shape == (1, 48, 48)
    assert found.faceless == {}


def dialogue(*speakers):
    return tuple(Turn(speaker=speaker, label=0, voice="v", face=None) for speaker in speakers)


def test_nobody_is_in_both_parts_where_that_can_be_done():
    corpus = [dialogue("A", "B"), dialogue("B", "C"), dialogue("D"), dialogue("E"), dialogue("F", "D")]
    for seed in range(20):
        parted = parting.part(corpus, dev_share=0.3, seed=seed)
        train, dev = ({turn.speaker for one in some for turn in one} for some in (parted.train, parted.dev))
        assert train
        assert dev
        assert not train & dev
        assert parted.label == parting.BY_SPEAKER
        assert set(parted.train) | set(parted.dev) == set(corpus)


def test_the_recipe_that_comes_with_turntone_is_read():
    assert describes(SHIPPED)
    assert isinstance(load(SHIPPED), OwnRecipe)
    assert not describes(FOLDER / "default.toml")


def test_what_a_checkpoint_never_said_can_be_learned():
    loaded = parts.load(artifact.read(DEFAULT))
    silence(loaded.fusion, loaded.decision, ["joy"])
    assert loaded.fusion.head.bias[EMOTIONS.index("joy")] == float("-inf")
    let_learn(loaded.fusion, loaded.decision)
    for module in (loaded.fusion.head, *(module.classifier for module in loaded.decision.modules.values())):
        assert module.bias.isfinite().all()
        assert module.bias[EMOTIONS.index("joy")] == module.bias.min()


def test_what_is_learned_from_is_no_test(tmp_path):
    mine = sample(tmp_path / "mine.csv", 0, 1)
    for same in (mine, tmp_path / "." / "mine.csv"):
        with pytest.raises(ConfigurationError, match=r"mine\.csv is what is learned from"):
            train(short(), mine, tmp_path / "out", base="default", test=same, progress=quiet)
    assert not (tmp_path / "out").exists()
