"""Converts the weights of the `mtcnn` wheel (Keras, pickled by joblib) to one safetensors file for our modules.

    python -m engine.faces.convert mtcnn-1.0.0-py3-none-any.whl engine/weights/mtcnn/mtcnn.safetensors

Needs joblib and lz4, which nothing else does. A pickle runs what it likes, so only files of known hash are opened.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn

from engine.faces.networks import ONet, PNet, RNet

_SHA256 = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
_NETWORKS: dict[str, type[nn.Module]] = {"pnet": PNet, "rnet": RNet, "onet": ONet}


def convert(source: Path, destination: Path) -> None:
    """Read the three files from the wheel and write them as one, named as the modules name their parameters."""
    tensors: dict[str, NDArray[np.float32]] = {}
    with zipfile.ZipFile(source) as wheel:
        for name, network in _NETWORKS.items():
            arrays = _load(wheel.read(f"mtcnn/assets/weights/{name}.lz4"), name)
            parameters = list(network().named_parameters())
            if len(parameters) != len(arrays):
                raise SystemExit(f"{name} has {len(arrays)} arrays where {len(parameters)} are wanted")
            for (key, parameter), array in zip(parameters, arrays, strict=True):
                tensors[f"{name}.{key}"] = _arranged(array, tuple(parameter.shape))
    save_file(tensors, destination, metadata={"source": "mtcnn 1.0.0 (MIT), P-, R- and O-Net"})


def _load(data: bytes, name: str) -> list[NDArray[np.float32]]:
    found = hashlib.sha256(data).hexdigest()
    if found != _SHA256[name]:
        raise SystemExit(f"{name}.lz4 has the hash {found}, not the known {_SHA256[name]}; it is not opened")
    import joblib  # type: ignore[import-untyped]

    arrays: list[NDArray[np.float32]] = joblib.load(io.BytesIO(data))
    return arrays


def _arranged(array: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[Any]:
    """Keras to torch: kernels from (h, w, in, out); dense from (in, out), whose inputs are flattened as (w, h, c)."""
    if array.ndim == 4:
        moved = array.transpose(3, 2, 0, 1)
    elif array.ndim == 2 and shape[1] in (576, 1152):
        channels = 64 if shape[1] == 576 else 128
        moved = array.reshape(3, 3, channels, -1).transpose(3, 2, 1, 0).reshape(shape)
    elif array.ndim == 2:
        moved = array.T
    else:
        moved = array.reshape(-1)
    if moved.shape != shape:
        raise SystemExit(f"an array of shape {array.shape} does not fit a parameter of shape {shape}")
    return np.ascontiguousarray(moved)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m engine.faces.convert MTCNN.whl DESTINATION.safetensors")
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
