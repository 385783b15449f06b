import pytest
import torch

from engine.features.builders import audio_encoder, video_encoder
from engine.layers.residual import ResNet18

DCA = {"n_mels": 64, "n_fft": 1024, "win_length": 882, "hop_length": 441, "sample_rate_hz": 44_100, "clip_frames": 100}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_backbones_are_as_large_as_published():
    audio = audio_encoder({"name": "resnet18-mel"} | DCA)
    assert count(audio) == 11_689_512 - 513_000 - 2 * 64 * 49
    assert count(video_encoder({"name": "r2plus1d"})) == 31_505_325 - 205_200
    assert count(video_encoder({"name": "r3d"})) == 33_371_472 - 205_200


@torch.no_grad()
@pytest.mark.parametrize(("samples", "tokens"), [(1, 1), (15_800, 1), (16_000, 2), (80_000, 6)])
def test_a_second_of_sound_is_a_token(samples, tokens):
    encoder = audio_encoder({"name": "resnet18-mel"} | DCA).eval()
    audio = torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    assert encoder.extract(audio, torch.ones_like(audio, dtype=torch.bool))[0].shape == (1, tokens, 512)


@torch.no_grad()
def test_the_audio_backbone_is_the_pooled_trunk_over_standardised_clips():
    torch.manual_seed(0)
    encoder = audio_encoder({"name": "resnet18-mel"} | DCA).eval()
    plain = ResNet18(channels=1).eval()
    plain.load_state_dict(encoder.trunk.state_dict())
    audio = torch.randn(1, 24_000)
    mask = torch.ones_like(audio, dtype=torch.bool)
    decibels = encoder.spectrum.extract(audio, mask)[0][0]
    frames = (decibels - decibels.mean()) / decibels.std(unbiased=False)
    filled = torch.cat((frames[100:], torch.zeros(200 - len(frames), 64)))
    expected = [plain(clip.T[None, None]).mean(dim=(2, 3))[0] for clip in (frames[:100], filled)]
    torch.testing.assert_close(encoder.extract(audio, mask)[0][0], torch.stack(expected), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_clip_that_is_not_full_stands_still():
    torch.manual_seed(0)
    encoder = video_encoder({"name": "r2plus1d", "frames": 4, "side": 16}).eval()
    crops = torch.rand(1, 6, 3, 20, 20)
    mask = torch.tensor([[True, True, False, True, True, True]])
    real = crops[0, mask[0]]
    clips = torch.stack((real[:4], real[4:].expand(4, -1, -1, -1)))
    tokens, token_mask = encoder.extract(crops, mask)
    assert token_mask.tolist() == [[True, True]]
    torch.testing.assert_close(tokens[0], encoder.encode(clips))


@torch.no_grad()
@pytest.mark.parametrize("name", ["r2plus1d", "r3d"])
def test_bfloat16_is_equal_within_a_twentieth_of_a_tokens_spread(name):
    torch.manual_seed(0)
    exact = video_encoder({"name": name, "frames": 4, "side": 32}).eval()
    reduced = video_encoder({"name": name, "frames": 4, "side": 32, "precision": "bfloat16"}).eval()
    reduced.load_state_dict(exact.state_dict())
    crops, mask = torch.rand(2, 8, 3, 32, 32), torch.ones(2, 8, dtype=torch.bool)
    expected, got = exact.extract(crops, mask)[0], reduced.extract(crops, mask)[0]
    assert got.dtype == torch.float32
    assert 0 < (got - expected).abs().max() < 0.05 * expected.std()
