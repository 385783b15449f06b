"""Published weights into a network of ours, from a file whose tensors have the names of torchvision's."""

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import CheckpointError

# The classifier of the task that a network learned on.
_LEFT_OUT = ("fc.", "classifier.")
# Old files are without batch normalisation's counter, which nothing here reads.
_COUNTER = ".num_batches_tracked"


def fill(network: nn.Module, path: Path, *, pickled: bool = False) -> None:
    """Fill a trunk (`MelResNet.trunk`, `ClipEncoder.trunk`) from a safetensors file, leaving a classifier out.

    pickled: the file is PyTorch's own; only tensors are taken from it. Raises `CheckpointError` if a tensor is
    missing, left over, or of another shape, and changes nothing then.
    """
    tensors = {name: t for name, t in _read(path, pickled=pickled).items() if not name.startswith(_LEFT_OUT)}
    own = {name: t for name, t in network.state_dict().items() if name in tensors or not name.endswith(_COUNTER)}
    wrong = sorted(own.keys() ^ tensors.keys()) or sorted(n for n, t in own.items() if t.shape != tensors[n].shape)
    if wrong:
        raise CheckpointError(
            f"{path} is not this network: {len(wrong)} of its tensors do not fit, {wrong[0]!r} the first"
        )
    network.load_state_dict(tensors)


def _read(path: Path, *, pickled: bool) -> dict[str, Tensor]:
    try:
        if not pickled:
            return load_file(path)
        read: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError) as error:
        advice = "" if pickled else "; pickled=True reads PyTorch's own files, of which it takes only tensors"
        raise CheckpointError(f"cannot read weights from {path}: {error}{advice}") from error
    return read
