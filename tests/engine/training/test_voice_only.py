"""A recipe without a face: what it makes, and what it does with a picture."""

import numpy as np
import pytest

from engine import artifact, parts
from engine.errors import ConfigurationError
from engine.models import load_models
from engine.signals import FACE_SIZE, StepRequest, Utterance
from engine.training import recipe
from engine.training.curriculum import Curriculum
from engine.training.measured.evaluate import evaluate
from engine.training.train import train
from schemas.labels import EMOTIONS

SURPRISE = EMOTIONS.index("surprise")


def without(text, *sections):
    """A recipe's text without some of its sections."""
    first, *others = text.split("\n[")
    return "\n[".join([first, *(one for one in others if one.partition("]")[0] not in sections)])


@pytest.fixture(scope="module")
def german(shared_corpora):
    """The small recipe with EmoDB alone and no face."""
    text = without(shared_corpora.recipe.read_text(), "corpora", "speakers", "face", "face_training", "fusion")
    text += '[corpora]\nemodb = "emodb_16k.tar"\n[speakers]\nemodb_train = [3]\nemodb_dev = [13]\n'
    path = shared_corpora.folder / "german.toml"
    path.write_text(f'{text}[fusion]\nname = "voice"\nwidth = 8\ndropout = 0.1\n'.replace("batch = 8", "batch = 3"))
    return path


@pytest.fixture(scope="module")
def made(german, shared_corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "german"
    return train(recipe.load(german), out, data=shared_corpora.folder, progress=lambda *_: None)


def said(made, *utterances):
    models = load_models(artifact.read(made), explain=True, device="cpu")
    (outcome,) = models.infer([StepRequest(tensors={}, turns=utterances)])
    return outcome.estimates


def test_it_holds_no_tensor_of_a_face_and_says_so(made):
    read = artifact.read(made)
    assert not read.sees
    assert {name.partition(".")[0] for name in read.tensors} == {"audio_encoder", "fusion", "dialogue"}
    assert "video_width" not in read.config["fusion"]
    assert parts.load(read).fusion.width == 8


def test_a_picture_changes_nothing(made):
    audio = np.sin(np.arange(8000, dtype=np.float32) / 9) * np.float32(0.3)
    faces = np.full((4, FACE_SIZE, FACE_SIZE, 3), 128, dtype=np.uint8)
    (heard,) = said(made, Utterance(speaker="a", audio=audio, faces=None))
    (seen,) = said(made, Utterance(speaker="a", audio=audio, faces=faces))
    np.testing.assert_array_equal(heard.distribution, seen.distribution)
    for one in (heard, seen):
        assert (one.weight_audio, one.weight_video) == (1.0, 0.0)


def test_what_nobody_taught_it_is_never_said(made, shared_corpora):
    assert artifact.read(made).config["unlearned"] == ["surprise"]
    rng = np.random.default_rng(0)
    noises = [rng.normal(0, 0.1, 6000).astype(np.float32) for _ in range(3)]
    for one in said(made, *(Utterance(speaker="a", audio=noise, faces=None) for noise in noises)):
        assert one.distribution[SURPRISE] == 0
        assert one.distribution.sum() == pytest.approx(1)
        assert np.isfinite([one.confidence, one.valence, one.arousal]).all()
    for row in evaluate(str(made), "ravdess", data=shared_corpora.folder):
        assert row.causal.scores.per_class_recall["surprise"] == 0
        assert row.utterance.scores.per_class_recall["surprise"] == 0


def test_its_licence_is_that_of_its_data(made):
    assert artifact.read(made).licence == "Any use, commercial use among it: weights trained on data that allow it."
    card = (made / "README.md").read_text()
    for words in ("never says surprise", "there is no face encoder", "the voices are German", "EmoDB speaker 14"):
        assert words in card
    for words in ("RAVDESS", "FER2013", "web search", "see LICENSE", "none"):
        assert words not in card


def test_a_recipe_of_voices_needs_no_file_of_other_corpora(german, shared_corpora, tmp_path):
    (tmp_path / "emodb_16k.tar").symlink_to(shared_corpora.folder / "emodb_16k.tar")
    curriculum = Curriculum(recipe.load(german), data=tmp_path)
    assert list(curriculum.tuned.conditions) == ["EmoDB dev speaker, acted call"]
    assert {turn.face for some in curriculum.learned.conditions.values() for one in some for turn in one} == {None}
    assert not len(curriculum.faces("train").images)


def test_a_recipe_with_everything_learns_everything(shared_corpora):
    curriculum = Curriculum(recipe.load(shared_corpora.recipe), data=shared_corpora.folder)
    assert curriculum.unlearned == ()
    assert len(curriculum.sources) == 4


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('name = "voice"', 'name = "avafn"', r"belongs to a recipe without \[face\]"),
        ('emodb = "emodb_16k.tar"', "", "names no voices"),
        ('emodb = "emodb_16k.tar"', 'emodb = "emodb_16k.tar"\nscripted = "scripted"', "name both"),
        ("[voice_training]", "[face]\nchannels = [4]\n[voice_training]", "no faces to learn"),
    ],
)
def test_a_recipe_that_lacks_what_it_needs_is_refused(german, tmp_path, before, after, says):
    (tmp_path / "wrong.toml").write_text(german.read_text().replace(before, after))
    with pytest.raises(ConfigurationError, match=says):
        recipe.load(tmp_path / "wrong.toml")


def test_another_fusion_model_is_refused_where_nothing_is_seen(german):
    with pytest.raises(ConfigurationError, match=r"has no \[face\]: there is nothing that ca could fuse"):
        recipe.load(german).choosing(fusion="ca")
