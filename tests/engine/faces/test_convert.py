import zipfile

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.faces.convert import _arranged, convert


def test_a_pickle_of_unknown_hash_is_never_opened(tmp_path):
    wheel = tmp_path / "mtcnn-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in ("pnet", "rnet", "onet"):
            file.writestr(f"mtcnn/assets/weights/{name}.lz4", b"cposix\nsystem\n")
    with pytest.raises(SystemExit, match="not opened"):
        convert(wheel, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_dense_layer_reads_the_same_pixels_after_the_move():
    """Keras flattens `[h, w, c]` after swapping the sides: as `[w, h, c]`."""
    generator = np.random.default_rng(0)
    pixels = generator.normal(size=(3, 3, 64)).astype(np.float32)
    dense = generator.normal(size=(576, 128)).astype(np.float32)
    wanted = pixels.transpose(1, 0, 2).reshape(-1) @ dense
    moved = torch.from_numpy(_arranged(dense, (128, 576)))
    found = functional.linear(torch.from_numpy(pixels.transpose(2, 0, 1).reshape(1, -1).copy()), moved)
    np.testing.assert_allclose(found[0].numpy(), wanted, rtol=1e-4, atol=1e-4)


def test_a_kernel_sees_the_same_window_after_the_move():
    generator = np.random.default_rng(0)
    window, kernel = generator.normal(size=(3, 3, 3)), generator.normal(size=(3, 3, 3, 10))
    wanted = np.einsum("hwc,hwco->o", window, kernel)
    moved = torch.from_numpy(_arranged(kernel, (10, 3, 3, 3)))
    found = functional.conv2d(torch.from_numpy(window.transpose(2, 0, 1)[None].copy()), moved)
    np.testing.assert_allclose(found.flatten().numpy(), wanted)


def test_an_array_that_fits_nowhere_is_refused():
    with pytest.raises(SystemExit, match="does not fit"):
        _arranged(np.zeros((4, 5), dtype=np.float32), (4, 5))
