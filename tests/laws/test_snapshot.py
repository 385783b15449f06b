"""A state that was written is the state that is read, in another process too."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine import snapshot
from engine.errors import SnapshotMismatch

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name != "__metadata__")
TENSORS = st.dictionaries(
    NAMES,
    arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, max_dims=3), elements=st.floats(width=32)),
    max_size=6,
)


@given(TENSORS)
def test_restoring_a_snapshot_is_the_identity(tensors):
    restored = snapshot.decode(snapshot.encode(tensors))
    assert set(restored) == set(tensors)
    for name, tensor in tensors.items():
        assert restored[name].shape == tensor.shape
        assert restored[name].dtype == tensor.dtype
        assert restored[name].tobytes() == tensor.tobytes()


@given(TENSORS)
def test_the_order_of_names_makes_no_difference(tensors):
    assert snapshot.encode(dict(reversed(tensors.items()))) == snapshot.encode(tensors)


def test_another_process_writes_the_same_bytes():
    code = (
        "import hashlib, sys, numpy as np; from engine import snapshot;"
        "state = snapshot.decode(sys.stdin.buffer.read());"
        "print(hashlib.sha256(snapshot.encode(state)).hexdigest())"
    )
    state = snapshot.encode({"emotion": np.linspace(0, 1, 8, dtype=np.float32), "weight": np.float32(2).reshape(())})
    done = subprocess.run([sys.executable, "-c", code], input=state, capture_output=True, check=True)
    assert done.stdout.decode().strip() == hashlib.sha256(state).hexdigest()


def test_damaged_bytes_are_refused():
    with pytest.raises(SnapshotMismatch, match="cannot be read"):
        snapshot.decode(b"\xff" * 40)
