import pytest
import torch

from engine.layers.video_residual import WIDTH, VideoResNet18

CLASSIFIER = (WIDTH + 1) * 400


@pytest.mark.parametrize(("factorised", "published"), [(True, 31_505_325), (False, 33_371_472)])
def test_the_trunks_have_the_published_number_of_parameters(factorised, published):
    # torchvision's r2plus1d_18 and r3d_18, with Kinetics-400's classifier.
    assert sum(p.numel() for p in VideoResNet18(factorised=factorised).parameters()) == published - CLASSIFIER


@pytest.mark.parametrize("factorised", [True, False])
def test_a_clip_of_eight_frames_becomes_the_published_map(factorised):
    with torch.device("meta"):
        assert VideoResNet18(factorised=factorised)(torch.rand(2, 3, 8, 112, 112)).shape == (2, WIDTH, 1, 7, 7)


def test_names_are_torchvisions():
    names = set(VideoResNet18(factorised=True).state_dict())
    assert {
        "stem.3.weight",
        "layer1.0.conv1.0.3.weight",
        "layer3.1.conv2.1.running_var",
        "layer4.0.downsample.1.bias",
    } <= names


@torch.no_grad()
def test_a_factorised_convolution_is_one_over_space_and_then_one_over_time():
    torch.manual_seed(0)
    block = VideoResNet18(factorised=True).eval().layer2[0]
    maps = torch.rand(1, 64, 4, 6, 6)
    space, norm, _, time = block.conv1[0]
    frames = [
        norm(torch.conv2d(maps[:, :, t], space.weight[:, :, 0], stride=2, padding=1)[:, :, None]) for t in range(4)
    ]
    frames = [frame[:, :, 0].relu() for frame in frames]
    nothing = torch.zeros_like(frames[0])
    around = [nothing, *frames, nothing]
    for place, centre in enumerate((1, 3)):
        expected = sum(
            torch.einsum("oi,nihw->nohw", time.weight[:, :, k, 0, 0], around[centre - 1 + k]) for k in range(3)
        )
        torch.testing.assert_close(block.conv1[0](maps)[:, :, place], expected, atol=1e-4, rtol=1e-4)
