"""Recipes whose encoders come with their weights."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor

from engine import artifact
from engine.errors import CheckpointError, ConfigurationError
from engine.features.builders import video_encoder
from engine.features.speech_files import fingerprint
from engine.models import load_models
from engine.signals import FACE_SIZE, StepRequest, Utterance
from engine.training.corpora import ravdess
from engine.training.corpora.fer2013 import Fer2013
from engine.training.fitting.stages import Stages
from engine.training.learned import frozen
from engine.training.learned.front_ends import FrontEnds
from engine.training.material.tokens import picture_tokens
from engine.training.recipe import FOLDER, load
from engine.training.train import train

R3D = {"name": "r3d", "frames": 2, "side": 16}


def with_section(text, name, section):
    """The recipe with another encoder and without that encoder's training."""
    whole = re.DOTALL | re.MULTILINE
    without = re.sub(rf"^\[{name}_training\].*?(?=^\[)", "", text, flags=whole)
    return re.sub(rf"^\[{name}\].*?(?=^\[)", f"[{name}]\n{section}\n", without, flags=whole)


@pytest.fixture
def speech(tmp_path):
    folder = tmp_path / "speech"
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8),
        conv_kernel=(10, 3), conv_stride=(5, 2), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


def test_a_recipe_of_encoders_that_come_with_their_weights(small_corpora, speech, tmp_path):
    text = small_corpora.recipe.read_text()
    said = f'name = "wav2vec2"\nsource = "{speech}"\nlayer = 1\npooled = true'
    text = with_section(with_section(text, "voice", said), "face", 'weights = "efficientface"')
    small_corpora.recipe.write_text(text)
    steps = []
    out = train(
        load(small_corpora.recipe),
        tmp_path / "out",
        data=small_corpora.folder,
        progress=lambda *step: steps.append(step),
    )
    assert {stage for stage, *_ in steps} == {"dialogues"}
    read = artifact.read(out)
    assert read.config["encoders"]["face"]["name"] == "efficientface"
    assert read.config["encoders"]["audio"]["sha256"] == fingerprint(speech)
    assert not read.part("audio_encoder")
    torch.testing.assert_close(
        read.part("face_encoder")["network.stem.0.weight"],
        frozen.face({"weights": "efficientface"}).encoder.state_dict()["network.stem.0.weight"],
    )
    assert {str(speech), "FER2013"} <= {one["name"] for one in read.config["data"]}
    faces = np.zeros((2, FACE_SIZE, FACE_SIZE, 3), np.uint8)
    request = StepRequest({}, (Utterance("a", np.zeros(8000, np.float32), faces),))
    (outcome,) = load_models(read, explain=True, device="cpu").infer([request])
    assert np.isfinite(outcome.estimates[0].distribution).all()


def test_the_recipe_that_comes_with_turntone_reads_speech_models(speech, tmp_path):
    shipped = load(FOLDER / "wav2vec2.toml")
    assert shipped.voice_training is None
    tiny = shipped.model_copy(update={"voice": shipped.voice | {"source": str(speech), "layer": 2}})
    front = FrontEnds(tiny, stages=Stages(tmp_path), progress=lambda *_: None)
    assert front.voice.width == 16
    assert front.sha256 == [fingerprint(speech)]
    with pytest.raises(CheckpointError, match="neither a folder nor to be had from the hub"):
        frozen.audio(shipped.voice | {"source": "nowhere"})


def test_other_weights_are_another_stage():
    recipe = load(FOLDER / "default.toml")
    assert recipe.digest("fusion") == recipe.digest("fusion", weights=())
    assert len({recipe.digest("fusion", weights=some) for some in ((), ("a",), ("b",))}) == 3


def test_a_trunk_is_filled_from_a_file(tmp_path):
    torch.manual_seed(1)
    donor = video_encoder(R3D)
    save_file(donor.trunk.state_dict(), tmp_path / "trunk.safetensors")
    found = frozen.face({**R3D, "weights": str(tmp_path / "trunk.safetensors")})
    assert found.numbers == R3D
    for name, tensor in donor.trunk.state_dict().items():
        torch.testing.assert_close(found.encoder.trunk.state_dict()[name], tensor)


def test_pictures_are_films_of_one_frame():
    grey = torch.rand(2, 48, 48)
    tokens = picture_tokens(frozen.face({"weights": "efficientface"}).encoder, grey)
    assert tokens.shape == (2, 1, 1024)


def test_features_without_weights_need_none():
    heard = frozen.audio({"name": "logmel", "n_mels": 8, "n_fft": 512, "win_length": 400, "hop_length": 160})
    assert heard.card is None


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        (R3D, r"\[face\] 'r3d' has weights to learn, and the recipe says neither where they are"),
        ({"channels": [4], "depths": [1], "width": 8}, r"\[face\] 'face' has weights to learn"),
        (
            {"weights": "efficientface", "side": 224},
            r"the weights efficientface are of .*; the recipe says {'side': 224}",
        ),
    ],
)
def test_no_face_is_seen_by_random_weights(numbers, says):
    with pytest.raises(ConfigurationError, match=says):
        frozen.face(numbers)


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no trained face encoder at .*nowhere"):
        frozen.face({"weights": "nowhere"})
    file = tmp_path / "some.safetensors"
    save_file({"x": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match="has no trunk to fill"):
        frozen.face({"name": "efficientface", "weights": str(file)})


def test_what_has_nothing_to_learn_has_no_training(small_corpora, speech, tmp_path):
    recipe = load(small_corpora.recipe)
    asked = {"name": "wav2vec2", "source": str(speech), "sha256": fingerprint(speech)}
    for numbers in (asked, {"name": "logmel", "n_mels": 8, "n_fft": 512, "win_length": 400, "hop_length": 160}):
        other = recipe.model_copy(update={"voice": numbers})
        with pytest.raises(ConfigurationError, match=r"\[voice_training\]: .* has nothing to learn here; leave the"):
            FrontEnds(other, stages=Stages(tmp_path), progress=lambda *_: None)


def test_any_encoder_with_weights_of_its_own_learns(small_corpora, tmp_path):
    mel = {"n_mels": 16, "n_fft": 512, "win_length": 400, "hop_length": 160}
    face = {"name": "efficientface", "side": 32, "stem_stride": 2}
    recipe = load(small_corpora.recipe).model_copy(
        update={"voice": {"name": "resnet18-mel", "clip_frames": 10, "stem_stride": 2} | mel, "face": face}
    )
    front = FrontEnds(recipe, stages=Stages(tmp_path), progress=lambda *_: None)
    before = {name: tensor.clone() for name, tensor in front.face.state_dict().items()}
    voices = ravdess.read(small_corpora.folder / "ravdess_speech_16k.tar", actors=[1])
    faces = Fer2013(small_corpora.folder / "fer2013.npz")
    curriculum = SimpleNamespace(voices=voices, dev_voices={"actor 1": voices}, faces=faces.faces)
    heard, seen = front.learn_voice(curriculum), front.learn_face(curriculum)
    assert 0 <= heard["actor 1"].accuracy <= 1
    assert 0 <= seen["FER2013 dev part"].accuracy <= 1
    assert any(not torch.equal(before[name], tensor) for name, tensor in front.face.state_dict().items())
    again = FrontEnds(recipe, stages=Stages(tmp_path), progress=lambda *_: pytest.fail("it was learned already"))
    again.learn_voice(curriculum)
    again.learn_face(curriculum)
    for ours, theirs in ((front.voice, again.voice), (front.face, again.face)):
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
