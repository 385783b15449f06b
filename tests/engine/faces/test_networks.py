import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.errors import CheckpointError
from engine.faces.mtcnn import WEIGHTS, load_mtcnn
from engine.faces.networks import ONet, PNet, RNet


def test_shapes():
    probability, box = PNet()(torch.zeros(2, 3, 40, 30))
    assert probability.shape == (2, 15, 10)
    assert box.shape == (2, 4, 15, 10)
    probability, box = RNet()(torch.zeros(5, 3, 24, 24))
    assert probability.shape == (5,)
    assert box.shape == (5, 4)
    probability, box, landmarks = ONet()(torch.zeros(5, 3, 48, 48))
    assert probability.shape == (5,)
    assert box.shape == (5, 4)
    assert landmarks.shape == (5, 5, 2)


def test_a_window_of_the_proposals_is_the_network_on_that_window_alone():
    torch.manual_seed(0)
    network = PNet()
    image = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 3, 32, 44)).astype(np.float32))
    with torch.inference_mode():
        whole, _ = network(image)
        alone, _ = network(image[:, :, 6:18, 10:22])
    assert whole[0, 3, 5].item() == pytest.approx(alone[0, 0, 0].item(), abs=1e-6)


def test_weights_are_the_ones_that_were_converted():
    assert (
        hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
        == "29c1f78c3381fbe860cf87c19338a3550230b9607649d651b0e3a83223f2aa1e"
    )


def test_missing_and_foreign_weights_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no weights"):
        load_mtcnn(tmp_path / "absent.safetensors")
    save_file({"pnet.body.0.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not the weights"):
        load_mtcnn(tmp_path / "other.safetensors")
