"""A face encoder that was trained: its folder of `config.json` and `model.safetensors`."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.errors import CheckpointError
from engine.features.builders import FaceCropEncoder, video_encoder

EFFICIENTFACE = Path(__file__).parents[1] / "weights" / "efficientface"
"""EfficientFace from FER2013, for research only."""


def load(folder: Path) -> FaceCropEncoder:
    """The encoder of a folder that `turntone train` made, ready to be run in float32, whatever its file holds.

    Raises `CheckpointError` if a file is missing or damaged, or if the two do not fit.
    """
    try:
        config = json.loads((folder / "config.json").read_text())
        encoder = video_encoder(config["face_encoder"])
        encoder.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"no trained face encoder at {folder}: {error}") from error
    return encoder.eval().requires_grad_(False)
