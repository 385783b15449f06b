import pytest
import torch
from torch.nn import functional as F

from engine.features.builders import video_encoder
from engine.features.dan import Dan, DanEncoder, fused

PUBLISHED_PARAMETERS = 19.72e6
"""Wen et al., table of parameters: four heads, ResNet-18."""


def test_the_network_has_the_published_number_of_parameters():
    count = sum(p.numel() for p in Dan().parameters())
    assert count == pytest.approx(PUBLISHED_PARAMETERS, abs=0.005e6)


def test_eight_classes_add_one_row():
    counts = [sum(p.numel() for p in Dan(classes=classes).parameters()) for classes in (7, 8)]
    assert counts[1] - counts[0] == 512 + 1 + 2


@torch.no_grad()
def test_a_picture_of_224_pixels_becomes_four_views_of_seven_by_seven_cells():
    network = Dan().eval()
    pictures = torch.rand(2, 3, 224, 224)
    assert network.trunk(pictures).shape == (2, 512, 7, 7)
    output = network(pictures)
    assert output.logits.shape == (2, 7)
    assert output.features.shape == (2, 512)
    assert output.heads.shape == (2, 4, 512)


@torch.no_grad()
def test_the_fusion_is_the_sum_of_log_shares_of_the_heads():
    torch.manual_seed(0)
    network = Dan(stem_stride=2).eval()
    pictures = torch.rand(2, 3, 48, 48)
    maps = network.trunk(pictures)
    seen = torch.stack([head(maps) for head in network.heads], dim=1).double()
    most = seen.amax(dim=1, keepdim=True)
    expected = (seen - most - (seen - most).exp().sum(dim=1, keepdim=True).log()).sum(dim=1).float()
    output = network(pictures)
    torch.testing.assert_close(fused(output.heads), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.logits, network.norm(network.classifier(expected)), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_head_is_spatial_and_then_channel_attention():
    torch.manual_seed(0)
    head = Dan().eval().heads[0]
    maps = torch.rand(1, 512, 3, 3)
    inner = head.reduce(maps)
    where = sum(convolve(inner) for convolve in head.around).clamp(min=0)[0].sum(dim=0)
    seen = torch.zeros(512)
    for row in range(3):
        for column in range(3):
            seen += maps[0, :, row, column] * where[row, column] / 9
    torch.testing.assert_close(head(maps)[0], seen * head.channels(seen[None])[0], atol=1e-4, rtol=1e-4)


def test_tokens_are_as_far_apart_as_what_the_network_saw():
    encoder = video_encoder({"name": "dan", "side": 48, "crop": 40, "grey": True, "stem_stride": 2}).eval()
    with torch.no_grad():
        tokens, _ = encoder.extract(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 3, dtype=torch.bool))
    assert tokens.shape == (1, 3, 1024)
    torch.testing.assert_close(tokens.square().mean(dim=2) * 2, torch.ones(1, 3), atol=1e-3, rtol=1e-3)


def test_the_builder_makes_it_as_published():
    encoder = video_encoder({"name": "dan"})
    assert isinstance(encoder, DanEncoder)
    assert (encoder.side, encoder.crop, encoder.grey, encoder.width) == (224, 224, False, 1024)
    assert len(encoder.network.heads) == 4
    assert isinstance(encoder.network.trunk.maxpool, torch.nn.MaxPool2d)


def test_colour_and_grey_are_normalised_differently():
    from engine.features.crops import normalised

    pictures = torch.rand(2, 3, 8, 8)
    grey = normalised(pictures, grey=True)
    torch.testing.assert_close(grey.mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(normalised(0.5 * pictures + 0.2, grey=True), grey, atol=1e-4, rtol=1e-4)
    colour = normalised(pictures, grey=False)
    assert not torch.allclose(colour[:, 0], colour[:, 2])
    torch.testing.assert_close(F.relu(colour[:, 0]), F.relu((pictures[:, 0] - 0.485) / 0.229))


@torch.no_grad()
def test_bfloat16_moves_the_tokens_of_a_random_network_by_less_than_a_third_of_a_spread():
    # With the trained weights of the benchmark it is a twentieth.
    torch.manual_seed(0)
    encoder = video_encoder({"name": "dan", "side": 48, "stem_stride": 2, "precision": "bfloat16"}).eval()
    crops, mask = torch.rand(1, 4, 3, 48, 48), torch.ones(1, 4, dtype=torch.bool)
    reduced = encoder.extract(crops, mask)[0]
    encoder.precision = "float32"
    exact = encoder.extract(crops, mask)[0]
    assert reduced.dtype == torch.float32
    assert 0 < (reduced - exact).abs().max() < exact.std() / 3
