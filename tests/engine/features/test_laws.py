"""What holds for every encoder, whatever is inside it."""

from pathlib import Path

import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from engine.features.builders import AUDIO, VIDEO, audio_encoder, video_encoder
from engine.features.no_faces import NONE
from engine.features.speech_files import fingerprint

SPECTRUM = {"n_mels": 32, "n_fft": 512, "win_length": 400, "hop_length": 160}
AUDIO_CASES = {
    "voice": SPECTRUM | {"top_db": 60.0, "channels": [4, 8, 8], "width": 6},
    "voice-residual": SPECTRUM | {"top_db": 60.0, "channels": [4, 8, 8], "width": 6},
    "logmel": SPECTRUM,
    "mfcc": SPECTRUM | {"n_mfcc": 12, "hop_length": 441, "sample_rate_hz": 44_100, "window": "hamming"},
    "avt-ca-voice": SPECTRUM | {"n_mfcc": 5, "channels": [6, 8]},
    "attsf-voice": SPECTRUM | {"n_mfcc": 12, "channels": [3, 4, 5, 4], "width": 6},
    "resnet18-mel": SPECTRUM | {"clip_frames": 40, "stem_stride": 2},
    "wav2vec2": {"pooled": False},
}
VIDEO_CASES = {
    "face": {"channels": [4, 8, 8, 8], "depths": [1, 1, 2, 2], "width": 6},
    "dan": {"side": 32, "stem_stride": 2, "width": 16},
    "efficientface": {"side": 64, "stem_stride": 2},
    "avt-ca-face": {"side": 32, "stem_stride": 2, "width": 6},
    "attsf-face": {"side": 64, "stem_stride": 2, "width": 8},
    "r2plus1d": {"frames": 3, "side": 16},
    "r3d": {"frames": 3, "side": 16},
}
# What only the training of an encoder runs.
HEADS = ("network.classifier.", "frames.network.classifier.", "network.norm.", "model.masked_spec_embed")
TRAINED = [*(n for n in AUDIO_CASES if n not in ("logmel", "mfcc")), *VIDEO_CASES]


@pytest.fixture(scope="session")
def speech_model(tmp_path_factory):
    """A tiny random wav2vec 2.0, saved as the hub would have it."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("wav2vec2")
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8),
        conv_kernel=(10, 3), conv_stride=(5, 2), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
        feat_extract_norm="layer", do_stable_layer_norm=True,
    )  # fmt: skip
    Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return str(folder)


def sounds():
    lengths = torch.tensor([9000, 16_000, 700, 10, 0])
    noise = torch.randn(5, 16_000, generator=torch.Generator().manual_seed(1))
    return 0.1 * noise, torch.arange(16_000) < lengths[:, None]


def faces():
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    return torch.rand(4, 5, 3, 64, 64, generator=torch.Generator().manual_seed(1)), mask


@pytest.fixture
def build(speech_model):
    def made(name):
        torch.manual_seed(0)
        if name in VIDEO_CASES:
            encoder, batch = video_encoder({"name": name} | VIDEO_CASES[name]), faces()
        else:
            where = {"source": speech_model, "sha256": fingerprint(Path(speech_model))} if name == "wav2vec2" else {}
            encoder, batch = audio_encoder({"name": name} | AUDIO_CASES[name] | where), sounds()
        # As if something had been learned: running statistics that are not 0 and 1 would show a leak of padding.
        for norm in encoder.modules():
            if isinstance(norm, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
                torch.nn.init.uniform_(norm.running_mean, -0.5, 0.5)
                torch.nn.init.uniform_(norm.bias, 0.2, 1.0)
        return encoder.eval(), *batch

    return made


def close(got, expected):
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=1e-4)


def wider(tensor, value, by):
    return torch.cat((tensor, tensor.new_full((len(tensor), by, *tensor.shape[2:]), value)), dim=1)


def test_every_encoder_is_held_to_the_laws():
    assert set(AUDIO_CASES) == set(AUDIO)
    assert {*VIDEO_CASES, NONE} == set(VIDEO)  # which sees nothing, by its name


@pytest.mark.parametrize("name", [*AUDIO_CASES, *VIDEO_CASES])
class TestEveryEncoder:
    def test_gives_tokens_of_its_width_and_zero_where_nothing_is(self, build, name):
        encoder, inputs, mask = build(name)
        tokens, token_mask = encoder.extract(inputs, mask)
        assert tokens.shape == (*token_mask.shape, encoder.width)
        assert token_mask.dtype == torch.bool
        assert tokens.dtype == torch.float32
        assert token_mask.any(dim=1).tolist() == mask.any(dim=1).tolist()
        assert torch.isfinite(tokens).all()
        assert not tokens[~token_mask].any()

    @torch.no_grad()
    def test_a_batch_equals_each_item_alone(self, build, name):
        encoder, inputs, mask = build(name)
        tokens, token_mask = encoder.extract(inputs, mask)
        for row in range(len(inputs) - 1):
            real = mask[row]
            alone, alone_mask = encoder.extract(inputs[row : row + 1, real], mask[row : row + 1, real])
            assert alone_mask.all()
            close(tokens[row, token_mask[row]], alone[0])

    @torch.no_grad()
    def test_padding_changes_nothing(self, build, name):
        encoder, inputs, mask = build(name)
        tokens, token_mask = encoder.extract(inputs, mask)
        real, by = (mask, 3000) if name in AUDIO_CASES else (mask[:, :, None, None, None], 3)
        noisy = torch.where(real, inputs, 0.77)
        more, more_mask = encoder.extract(wider(noisy, 0.77, by), wider(mask, False, by))
        for row in range(len(inputs)):
            assert int(more_mask[row].sum()) == int(token_mask[row].sum())
            close(more[row, more_mask[row]], tokens[row, token_mask[row]])

    @torch.no_grad()
    def test_nothing_at_all_gives_no_token(self, build, name):
        encoder, inputs, mask = build(name)
        for some, none in ((inputs, torch.zeros_like(mask)), (inputs[:, :0], mask[:, :0]), (inputs[:0], mask[:0])):
            tokens, token_mask = encoder.extract(some, none)
            assert len(tokens) == len(some)
            assert not token_mask.any()
            assert not tokens.any()

    @torch.no_grad()
    def test_silence_and_darkness_are_finite(self, build, name):
        encoder, inputs, mask = build(name)
        assert torch.isfinite(encoder.extract(torch.zeros_like(inputs), mask)[0]).all()


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_reach_every_parameter_and_no_padding(build, name):
    encoder, inputs, mask = build(name)
    inputs.requires_grad_()
    tokens, token_mask = encoder.extract(inputs, mask)
    torch.autograd.backward(tokens[token_mask].square().sum())
    for path, parameter in encoder.named_parameters():
        if not path.startswith(HEADS):
            assert parameter.grad is not None, path
            assert torch.isfinite(parameter.grad).all(), path
    assert torch.isfinite(inputs.grad).all()
    assert inputs.grad[mask].any()
    assert not inputs.grad[~mask].any()
