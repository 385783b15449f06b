import pytest
import torch

from engine.features.builders import face_encoder, voice_encoder


@pytest.fixture
def voice():
    torch.manual_seed(0)
    return voice_encoder(
        n_mels=32, n_fft=512, win_length=400, hop_length=160, top_db=60.0, channels=[4, 8, 8], width=6
    ).eval()


@pytest.fixture
def face():
    torch.manual_seed(0)
    return face_encoder(channels=[4, 8, 8, 8], depths=[1, 1, 2, 2], width=6).eval()


def settle(module):
    """Running statistics as if something had been learned: not 0 and 1, so that a leak of padding would show."""
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(norm.bias, 0.2, 1.0)


@torch.no_grad()
def test_voices_in_a_batch_equal_each_alone(voice):
    settle(voice)
    lengths = (16_000, 9_999, 1_000, 10, 0)
    inputs = torch.full((5, 20_000), 0.5)
    mask = torch.arange(20_000) < torch.tensor(lengths)[:, None]
    for row, length in enumerate(lengths):
        inputs[row, :length] = 0.3 * torch.sin(torch.arange(length) * (0.01 + 0.03 * row))
    tokens, token_mask = voice.extract(inputs, mask)
    assert tokens.shape[2] == voice.width
    assert token_mask.any(dim=1).tolist() == [True, True, True, True, False]
    assert torch.isfinite(tokens).all()
    for row, length in enumerate(lengths[:-1]):
        alone, alone_mask = voice.extract(inputs[row : row + 1, :length], mask[row : row + 1, :length])
        assert alone_mask.all()
        torch.testing.assert_close(tokens[row, token_mask[row]], alone[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_gain_makes_no_difference_to_a_voice(voice):
    audio = 0.2 * torch.sin(torch.arange(8000) * 0.05)[None] + 0.01 * torch.cos(torch.arange(8000) * 0.9)
    mask = torch.ones_like(audio, dtype=torch.bool)
    torch.testing.assert_close(voice.extract(audio, mask)[0], voice.extract(audio * 0.1, mask)[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_faces_in_a_batch_equal_each_alone(face):
    settle(face)
    crops = torch.rand(3, 4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.bool)
    tokens, token_mask = face.extract(crops, mask)
    assert tokens.shape == (3, 4 * face.cells, face.width)
    assert token_mask.sum(dim=1).tolist() == [4 * face.cells, 2 * face.cells, 0]
    for row in (0, 1):
        alone, _ = face.extract(crops[row, mask[row]][None], torch.ones(1, int(mask[row].sum()), dtype=torch.bool))
        torch.testing.assert_close(tokens[row, token_mask[row]], alone[0], atol=1e-5, rtol=1e-5)
    assert not tokens[~token_mask].any()


@torch.no_grad()
def test_light_makes_no_difference_to_a_face(face):
    crops = torch.rand(1, 1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 1, dtype=torch.bool)
    darker = 0.4 * crops + 0.3
    torch.testing.assert_close(face.extract(crops, mask)[0], face.extract(darker, mask)[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_no_frame_at_all_gives_no_token(face):
    tokens, mask = face.extract(torch.zeros(2, 0, 3, 64, 64), torch.zeros(2, 0, dtype=torch.bool))
    assert tokens.shape == (2, 0, face.width)
    assert mask.shape == (2, 0)
