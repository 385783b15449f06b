"""A dialogue's named tensors as bytes: a safetensors file."""

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.errors import SnapshotMismatch
from engine.signals import Tensors


def encode(tensors: Tensors) -> bytes:
    """The same tensors give the same bytes, in whatever order they were named."""
    if not tensors:
        return b""
    return bytes(save({name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}))


def decode(state: bytes) -> Tensors:
    """The tensors of a snapshot. Raises `SnapshotMismatch` when the bytes are not one."""
    if not state:
        return {}
    try:
        return dict(load(state))
    except SafetensorError as error:
        raise SnapshotMismatch(f"the dialogue's state cannot be read: {error}") from error
