import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.artifact import FORMAT
from engine.dialogue.causal import CausalDialogue
from engine.features import builders as encoders
from engine.fusion import builders as fusions
from schemas.labels import EMOTIONS

AUDIO = {
    "n_mels": 8,
    "n_fft": 512,
    "win_length": 400,
    "hop_length": 160,
    "top_db": 80.0,
    "channels": [4],
    "width": 8,
}
FACE = {"channels": [4], "depths": [1], "width": 8}
FUSION = {"audio_width": 8, "video_width": 8, "width": 8, "feed_forward_width": 16}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint that is small and knows nothing: what it says does not matter here, only that it is said."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    parts = {
        "audio_encoder": encoders.voice_encoder(**AUDIO),
        "face_encoder": encoders.face_encoder(**FACE),
        "fusion": fusions.avafn(**FUSION),
        "dialogue": CausalDialogue(width=8),
    }
    tensors = {
        f"{part}.{name}": tensor for part, module in parts.items() for name, tensor in module.state_dict().items()
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
    config = {
        "format": FORMAT,
        "labels": EMOTIONS,
        "encoders": {"audio": AUDIO, "face": FACE},
        "fusion": {"name": "avafn", **FUSION},
        "dialogue": {"width": 8},
        "calibration": {"temperature": 1.0, "abstain_below": 0.0},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder
