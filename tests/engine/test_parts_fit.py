"""A checkpoint is refused when its parts, each with its own weights, do not fit one another."""

import json

import pytest
import torch
from safetensors.torch import save

from engine import parts
from engine.artifact import FORMAT, identify, read
from engine.decision import decision
from engine.errors import CheckpointError
from engine.features.builders import audio_encoder, video_encoder
from engine.fusion.builders import fusion
from schemas.labels import EMOTIONS

ENCODERS = {
    "audio": {"name": "logmel", "n_mels": 8, "n_fft": 512, "win_length": 400, "hop_length": 160},
    "face": {"name": "avt-ca-face", "side": 16, "stem_stride": 2, "width": 4},
}
FUSION = {"name": "avafn", "audio_width": 8, "video_width": 4, "width": 6, "feed_forward_width": 6, "classes": 7}
STATES = {"width": 6, "classes": 7}


def checkpoint(folder, *, fused=FUSION, states=STATES):
    """Every part whole and with the weights of its own numbers."""
    torch.manual_seed(0)
    modules = {
        "audio_encoder": audio_encoder(ENCODERS["audio"]),
        "face_encoder": video_encoder(ENCODERS["face"]),
        "fusion": fusion(**fused),
        **decision(states).modules,
    }
    weights = save({f"{p}.{n}": t.contiguous() for p, m in modules.items() for n, t in m.state_dict().items()})
    config = {
        "format": FORMAT,
        "labels": list(EMOTIONS),
        "encoders": ENCODERS,
        "fusion": fused,
        "dialogue": states,
        "calibration": {"temperature": 1.0, "abstain_below": 0.0},
    }
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(json.dumps(config | {"model_id": identify(config, weights)}))
    return read(folder)


def test_parts_that_fit_are_loaded(tmp_path):
    assert parts.load(checkpoint(tmp_path)).fusion.width == 6
    assert parts.load(checkpoint(tmp_path, states={"name": "none"})).fusion.width == 6


@pytest.mark.parametrize(
    ("fused", "states", "says"),
    [
        ({"audio_width": 9}, {}, "the audio encoder gives 8 features a token, the fusion reads 9"),
        ({"video_width": 5}, {}, "the face encoder gives 4 features a token, the fusion reads 5"),
        ({}, {"width": 7}, "the fusion gives vectors of 6, the dialogue states read 7"),
        ({}, {"classes": 6}, "the dialogue states tell 6 classes apart, labels are 7"),
        ({"classes": 6}, {}, "the fusion tells 6 classes apart, labels are 7"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_told(tmp_path, fused, states, says):
    artifact = checkpoint(tmp_path, fused=FUSION | fused, states=STATES | states)
    with pytest.raises(CheckpointError, match=says):
        parts.load(artifact)
