import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.features.builders import video_encoder
from engine.features.efficientface import EfficientFace, EfficientFaceEncoder

PUBLISHED_PARAMETERS, PUBLISHED_MULTIPLICATIONS = 1.28e6, 154.18e6
"""Zhao et al., table of parameters and FLOPs, at 224 pixels; they count a multiplication and an addition as one."""


def test_the_network_has_the_published_number_of_parameters():
    count = sum(p.numel() for p in EfficientFace().parameters())
    assert count == pytest.approx(PUBLISHED_PARAMETERS, rel=0.005)


@torch.no_grad()
def test_the_network_costs_what_is_published():
    network = EfficientFace().eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 3, 224, 224))
    # 3 % less: convolutions and linear layers alone are counted, and the sizes of the modulator are ours.
    assert counter.get_total_flops() / 2 == pytest.approx(PUBLISHED_MULTIPLICATIONS, rel=0.035)


@torch.no_grad()
def test_each_quarter_of_the_map_has_convolutions_of_its_own():
    torch.manual_seed(0)
    local = EfficientFace().local.eval()
    maps = torch.rand(1, 29, 8, 8)
    whole = local(maps)
    assert whole.shape == (1, 116, 4, 4)
    for quarter, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        touched = maps.clone()
        touched[:, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1
        changed = (local(touched) != whole).any(dim=1)[0]
        expected = torch.zeros(4, 4, dtype=torch.bool)
        expected[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = True
        assert not (changed & ~expected).any(), quarter
        assert changed.any(), quarter
    convolution = local.convolutions[0]
    alone = torch.nn.functional.conv2d(maps[:, :, :4, 4:], convolution.weight[116:232], stride=2, padding=1, groups=29)
    inner = local.convolutions[2](local.convolutions[1](torch.cat([alone] * 4, dim=1)))
    expected = local.convolutions[5](local.convolutions[4](local.convolutions[3](inner)))[:, 116:232]
    torch.testing.assert_close(whole[:, :, :2, 2:], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_modulator_only_turns_down():
    torch.manual_seed(0)
    modulator = EfficientFace().modulator.eval()
    maps = torch.rand(2, 116, 6, 6)
    gated = modulator(maps)
    assert (gated <= maps).all()
    assert (gated > 0).all()


@torch.no_grad()
@pytest.mark.parametrize(("side", "stem_stride"), [(224, 4), (64, 4), (48, 2), (40, 2)])
def test_sides_that_fit_give_1024_features(side, stem_stride):
    network = EfficientFace(stem_stride=stem_stride).eval()
    output = network(torch.rand(2, 3, side, side))
    assert output.features.shape == (2, 1024)
    assert output.logits.shape == (2, 7)


def test_the_builder_makes_it_as_published():
    encoder = video_encoder({"name": "efficientface"})
    assert isinstance(encoder, EfficientFaceEncoder)
    assert (encoder.side, encoder.crop, encoder.grey, encoder.width) == (224, 224, False, 1024)
    assert isinstance(encoder.network.pool, torch.nn.MaxPool2d)


@torch.no_grad()
@pytest.mark.parametrize("name", ["dan", "efficientface"])
def test_a_face_and_its_mirror_image_give_one_token_if_asked(name):
    torch.manual_seed(0)
    encoder = video_encoder({"name": name, "side": 48, "stem_stride": 2, "mirrored": True}).eval()
    crops = torch.rand(1, 2, 3, 48, 48)
    mask = torch.ones(1, 2, dtype=torch.bool)
    tokens = encoder.extract(crops, mask)[0]
    torch.testing.assert_close(encoder.extract(crops.flip(-1), mask)[0], tokens, atol=1e-4, rtol=1e-4)
    encoder.mirrored = False
    one, other = encoder.extract(crops, mask)[0], encoder.extract(crops.flip(-1), mask)[0]
    assert (one - other).abs().max() > 0.01 * one.std()
    logits = encoder.network(crops[0]).logits
    torch.testing.assert_close(encoder.classify(crops[0]), logits, atol=1e-4, rtol=1e-4)
