import pytest
import torch

from engine.layers.residual import ResNet18


def test_the_trunk_has_the_published_number_of_parameters():
    # torchvision's resnet18 has 11,689,512; its classifier 513,000.
    assert sum(p.numel() for p in ResNet18().parameters()) == 11_689_512 - 513_000


def test_one_channel_changes_the_first_convolution_alone():
    colour, grey = (sum(p.numel() for p in ResNet18(channels=c).parameters()) for c in (3, 1))
    assert colour - grey == 2 * 64 * 49


@pytest.mark.parametrize(("stem_stride", "side"), [(4, 7), (2, 14)])
def test_a_picture_of_224_pixels_becomes_the_published_map(stem_stride, side):
    trunk = ResNet18(stem_stride=stem_stride).eval()
    with torch.no_grad():
        assert trunk(torch.rand(1, 3, 224, 224)).shape == (1, 512, side, side)


def test_names_are_torchvisions():
    names = set(ResNet18().state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.bn2.bias", "layer4.0.downsample.0.weight"} <= names
