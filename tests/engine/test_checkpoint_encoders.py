"""A checkpoint whose configuration names its encoders."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor

from engine.artifact import FORMAT, identify, read
from engine.dialogue.causal import CausalDialogue
from engine.errors import CheckpointError
from engine.features.builders import audio_encoder, video_encoder
from engine.features.speech_files import fingerprint
from engine.fusion.builders import avafn
from engine.models import load_models
from engine.signals import FACE_SIZE, StepRequest, Utterance
from schemas.labels import EMOTIONS

MEL = {"n_mels": 32, "n_fft": 512, "win_length": 400, "hop_length": 160}


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speech")
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8),
        conv_kernel=(10, 3), conv_stride=(5, 2), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return {"name": "wav2vec2", "source": str(folder), "sha256": fingerprint(folder), "layer": 1}


def write(folder, audio, face):
    torch.manual_seed(0)
    parts = {"audio_encoder": audio_encoder(audio), "face_encoder": video_encoder(face)}
    fusion = {"audio_width": parts["audio_encoder"].width, "video_width": parts["face_encoder"].width, "width": 8}
    parts |= {"fusion": avafn(**fusion), "dialogue": CausalDialogue(width=8, classes=7)}
    tensors = {f"{p}.{name}": t.contiguous() for p, part in parts.items() for name, t in part.state_dict().items()}
    config = {
        "format": FORMAT,
        "labels": list(EMOTIONS),
        "encoders": {"audio": audio, "face": face},
        "fusion": {"name": "avafn"} | fusion,
        "dialogue": {"width": 8, "classes": 7},
        "calibration": {"temperature": 1.0, "abstain_below": 0.0},
    }
    (folder / "model.safetensors").write_bytes(save(tensors))
    (folder / "config.json").write_text(json.dumps(config | {"model_id": identify(config, save(tensors))}))
    return read(folder)


def infer(artifact):
    random = np.random.default_rng(0)
    faces = random.integers(0, 255, (3, FACE_SIZE, FACE_SIZE, 3), dtype=np.uint8)
    sound = random.normal(0, 0.1, 8000).astype(np.float32)
    turns = (Utterance("a", sound, faces), Utterance("b", sound[:900], None), Utterance("a", None, faces[:1]))
    models = load_models(artifact, explain=True, device="cpu")
    (outcome,) = models.infer([StepRequest(tensors={}, turns=turns)])
    return np.stack([estimate.distribution for estimate in outcome.estimates])


@pytest.mark.parametrize(
    ("audio", "face"),
    [
        ({"name": "mfcc", "n_mfcc": 12} | MEL, {"name": "r2plus1d", "frames": 2, "side": 16}),
        ({"name": "logmel"} | MEL, {"name": "r3d", "frames": 2, "side": 16, "precision": "bfloat16"}),
        ({"name": "resnet18-mel", "clip_frames": 50} | MEL, {"name": "dan", "side": 32, "width": 8}),
        ({"name": "wav2vec2"}, {"name": "efficientface", "side": 32}),
        ({"name": "avt-ca-voice"}, {"name": "avt-ca-face", "side": 64, "width": 8}),
        ({"name": "attsf-voice"}, {"name": "attsf-face", "side": 64, "width": 8}),
    ],
)
def test_a_checkpoint_brings_its_encoders(tmp_path, speech, audio, face):
    written = write(tmp_path, speech if audio["name"] == "wav2vec2" else audio, face)
    first, again = infer(written), infer(read(tmp_path))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)


def test_without_a_name_they_are_the_voice_and_the_face_encoder(tmp_path):
    audio = MEL | {"top_db": 60.0, "channels": [4, 8], "width": 8}
    face = {"channels": [4, 8], "depths": [1, 1], "width": 8}
    artifact = write(tmp_path, audio, face)
    named = {"audio": {"name": "voice"} | audio, "face": {"name": "face"} | face}
    same = type(artifact)(artifact.folder, artifact.config | {"encoders": named}, artifact.tensors, artifact.model_id)
    np.testing.assert_array_equal(infer(artifact), infer(same))


def test_the_id_of_a_checkpoint_holds_the_weights_that_lie_elsewhere(tmp_path, speech):
    face = {"name": "r3d", "frames": 2, "side": 16}
    written = write(tmp_path, speech, face)
    assert not written.part("audio_encoder")
    other = written.config | {"encoders": {"audio": speech | {"sha256": "another"}, "face": face}}
    assert identify(other, (tmp_path / "model.safetensors").read_bytes()) != written.model_id
    weights = Path(speech["source"]) / "model.safetensors"
    before = weights.read_bytes()
    try:
        torch.manual_seed(1)
        AutoModel.from_config(AutoModel.from_pretrained(speech["source"]).config).save_pretrained(speech["source"])
        with pytest.raises(CheckpointError, match=r"has sha256 = '[0-9a-f]{64}'; not"):
            load_models(written, explain=False, device="cpu")
    finally:
        weights.write_bytes(before)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        ({"name": "mfc"}, r"encoder 'mfc' is not known; there are .*logmel, mfcc"),
        ({"name": "mfcc", "n_mfcc": 12}, "encoder 'mfcc': n_mels: Missing"),
        ({"name": "logmel", "colour": 3} | MEL, "encoder 'logmel': colour: Unexpected"),
        ({"name": "logmel"} | MEL | {"n_mels": "many"}, "encoder 'logmel': n_mels: Input should be a valid integer"),
    ],
)
def test_what_is_wrong_with_an_encoder_is_named(audio, says):
    with pytest.raises(CheckpointError, match=says):
        audio_encoder(audio)
