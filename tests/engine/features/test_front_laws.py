"""What the papers' own front ends owe in training, where batch normalisation looks at the batch."""

import pytest
import torch

from engine.errors import CheckpointError
from engine.features.builders import audio_encoder, video_encoder

SPECTRUM = {"n_mels": 16, "n_fft": 512, "win_length": 400, "hop_length": 160, "sample_rate_hz": 16_000}
VOICES = {
    "avt-ca-voice": SPECTRUM | {"n_mfcc": 5, "channels": [4, 6]},
    "attsf-voice": SPECTRUM | {"n_mfcc": 7, "channels": [3, 4], "width": 5},
}
FACES = {
    "avt-ca-face": {"side": 16, "stem_stride": 2, "width": 4},
    "attsf-face": {"side": 64, "stem_stride": 2, "width": 6},
}


def voice(name):
    torch.manual_seed(0)
    return audio_encoder({"name": name} | VOICES[name])


def face(name):
    torch.manual_seed(0)
    return video_encoder({"name": name} | FACES[name])


def coefficients(lengths, steps, padding=0.0):
    frames = torch.randn(len(lengths), 30, 7, generator=torch.Generator().manual_seed(1))[:, :steps]
    mask = torch.arange(steps) < torch.tensor(lengths)[:, None]
    return torch.where(mask[..., None], frames, padding), mask


@pytest.mark.parametrize("name", VOICES)
def test_padding_changes_nothing_in_training(name):
    """Neither the tokens nor what the running statistics learn."""
    lengths = [12, 17, 0, 11]
    short, long = voice(name).train(), voice(name).train()
    width = short.cepstra.width
    few, few_mask = coefficients(lengths, 17)
    many, many_mask = coefficients(lengths, 30)
    one, one_mask = short.encode(few[..., :width], few_mask)
    two, two_mask = long.encode(many[..., :width], many_mask)
    torch.testing.assert_close(two[two_mask], one[one_mask], rtol=0, atol=1e-6)
    assert two_mask.sum(dim=1).tolist() == one_mask.sum(dim=1).tolist()
    moved = 0
    for (key, ours), theirs in zip(short.state_dict().items(), long.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
        moved += "running_mean" in key and bool(ours.any())
    assert moved == 2


@pytest.mark.parametrize("name", FACES)
def test_frames_that_are_not_there_teach_nothing(name):
    few, many = face(name).train(), face(name).train()
    crops = torch.rand(2, 3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1], [1, 0, 0]], dtype=torch.bool)
    more = torch.cat((crops, torch.rand(2, 2, 3, 64, 64)), dim=1)
    more_mask = torch.cat((mask, torch.zeros(2, 2, dtype=torch.bool)), dim=1)
    one, one_mask = few.extract(crops, mask)
    two, two_mask = many.extract(more, more_mask)
    torch.testing.assert_close(two[two_mask], one[one_mask], rtol=0, atol=1e-5)
    for ours, theirs in zip(few.state_dict().values(), many.state_dict().values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [*VOICES, *FACES])
def test_a_batch_without_the_modality_can_be_trained_on(name):
    if name in VOICES:
        encoder, inputs = voice(name).train(), torch.zeros(2, 800)
    else:
        encoder, inputs = face(name).train(), torch.zeros(2, 3, 3, 64, 64)
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    tokens, mask = encoder.extract(inputs, torch.zeros(inputs.shape[:2], dtype=torch.bool))
    assert not mask.any()
    assert not tokens.any()
    torch.testing.assert_close(dict(encoder.state_dict()), before)


def test_a_single_step_in_training_is_finite():
    encoder = voice("avt-ca-voice").train()
    frames, mask = coefficients([1, 0], 4)
    tokens, token_mask = encoder.encode(frames[..., :5], mask)
    assert token_mask.sum() == 1
    assert tokens.isfinite().all()


@pytest.mark.parametrize("length", [1, 9, 10, 11])
def test_a_short_sound_has_one_token_of_attsf(length):
    """Ten frames are what two unpadded blocks need; shorter ones are filled up."""
    encoder = voice("attsf-voice").eval()
    assert encoder.least_frames == 10
    _, mask = encoder.encode(*coefficients([length], length))
    assert mask.tolist() == [[True]]


@pytest.mark.parametrize("name", VOICES)
def test_gain_makes_no_difference(name):
    encoder = voice(name).eval()
    audio = 0.2 * torch.sin(torch.arange(8000) * 0.05)[None] + 0.01 * torch.cos(torch.arange(8000) * 0.9)
    mask = torch.ones_like(audio, dtype=torch.bool)
    torch.testing.assert_close(
        encoder.extract(audio, mask)[0], encoder.extract(audio * 0.1, mask)[0], atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("name", VOICES)
def test_gradients_of_the_voices(name):
    encoder = voice(name).double().eval()
    frames, mask = coefficients([13, 11], 13)
    frames = frames[..., : encoder.cepstra.width].double().requires_grad_()
    real = mask[..., None]
    assert torch.autograd.gradcheck(lambda x: encoder.encode(x * real, mask)[0], frames, eps=1e-6, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"paper": True}, {"channel_attention": False}, {"spatial_attention": False}])
def test_gradients_of_the_face(options):
    torch.manual_seed(0)
    encoder = video_encoder({"name": "avt-ca-face", "side": 8, "stem_stride": 2, "width": 2} | options)
    encoder = encoder.double().eval()
    crops = torch.rand(1, 2, 3, 8, 8, dtype=torch.float64).requires_grad_()
    mask = torch.tensor([[True, False]])
    assert torch.autograd.gradcheck(lambda x: encoder.extract(x, mask)[0], crops, eps=1e-6, atol=1e-5)


def test_gradients_of_the_convolution_over_time():
    encoder = face("attsf-face").double().eval()
    features = torch.rand(1, 3, 6, dtype=torch.float64)
    small = torch.nn.Conv1d(6, 2, 3, padding=1).double()
    encoder.convolution = small
    encoder.frames.extract = lambda inputs, mask: (inputs, mask)
    mask = torch.tensor([[True, False, True]])
    assert torch.autograd.gradcheck(lambda x: encoder.extract(x, mask)[0], features.requires_grad_(), atol=1e-5)


@pytest.mark.parametrize(
    ("off", "gone", "left"),
    [
        ("channel_attention", "attention.channels.", "attention.places."),
        ("spatial_attention", "attention.places.", "attention.channels."),
    ],
)
def test_an_attention_that_is_off_has_no_weights(off, gone, left):
    names = list(video_encoder({"name": "avt-ca-face", off: False}).state_dict())
    assert not any(name.startswith(gone) for name in names)
    assert any(name.startswith(left) for name in names)


def test_sizes_that_cannot_be():
    with pytest.raises(CheckpointError, match="multiple of 8"):
        video_encoder({"name": "avt-ca-face", "side": 100})
    with pytest.raises(CheckpointError, match="at least 9"):
        audio_encoder({"name": "attsf-voice", "n_mfcc": 8})
