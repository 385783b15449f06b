import pytest
import torch
from safetensors.torch import save_file

from engine.errors import CheckpointError
from engine.features.pretrained import fill
from engine.layers.residual import ResNet18


@pytest.fixture
def published():
    """A network with its classifier, as torchvision would save it."""
    torch.manual_seed(0)
    return ResNet18().state_dict() | {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def same(network, tensors):
    return all(torch.equal(tensor, tensors[name]) for name, tensor in network.state_dict().items())


def test_published_weights_fill_a_trunk_without_their_classifier(tmp_path, published):
    save_file(published, tmp_path / "resnet18.safetensors")
    network = ResNet18()
    assert not same(network, published)
    fill(network, tmp_path / "resnet18.safetensors")
    assert same(network, published)


def test_files_from_before_the_counters_are_read(tmp_path, published):
    path = tmp_path / "resnet18.safetensors"
    save_file({name: t for name, t in published.items() if "num_batches_tracked" not in name}, path)
    network = ResNet18()
    fill(network, path)
    assert same(network, published)


def test_pickles_are_read_only_when_said_so_and_as_tensors_alone(tmp_path, published):
    path = tmp_path / "resnet18.pth"
    torch.save(published, path)
    network = ResNet18()
    with pytest.raises(CheckpointError, match="pickled=True"):
        fill(network, path)
    fill(network, path, pickled=True)
    assert same(network, published)
    torch.save({"conv1.weight": print}, path)
    with pytest.raises(CheckpointError, match="cannot read"):
        fill(network, path, pickled=True)


def test_another_networks_weights_change_nothing(tmp_path, published):
    network = ResNet18(channels=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    path = tmp_path / "weights.safetensors"
    for name in ("conv1.weight", "bn1.bias"):
        save_file({n: t for n, t in published.items() if n != name} | {"other": torch.zeros(1)}, path)
        with pytest.raises(CheckpointError, match="2 of its tensors do not fit"):
            fill(network, path)
    save_file(published, path)
    with pytest.raises(CheckpointError, match=r"1 of its tensors do not fit, 'conv1\.weight'"):
        fill(network, path)
    assert same(network, before)
