from pathlib import Path

import pytest
import torch
from transformers import AutoModel, WhisperConfig, WhisperFeatureExtractor

from engine.features.speech_files import fingerprint, load

WINDOW = 16_000


@pytest.fixture
def folder(tmp_path):
    """A tiny random Whisper with windows of one second, saved as the hub would have it."""
    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=16, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=1,
        encoder_ffn_dim=16, decoder_ffn_dim=8, vocab_size=60, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1, max_source_positions=50, num_mel_bins=80,
    )  # fmt: skip
    AutoModel.from_config(config).save_pretrained(tmp_path)
    WhisperFeatureExtractor(feature_size=80, chunk_length=1).save_pretrained(tmp_path)
    return tmp_path


def loaded(folder, *, layer=-1, pooled=False):
    return load(str(folder), layer=layer, pooled=pooled, sha256=fingerprint(Path(folder)), pickled=False)


def batch(*lengths):
    inputs = 0.1 * torch.randn(len(lengths), max(lengths) + 50, generator=torch.Generator().manual_seed(1))
    return inputs, torch.arange(inputs.shape[1]) < torch.tensor(lengths)[:, None]


@torch.no_grad()
@pytest.mark.parametrize("layer", [0, 2, -1])
def test_states_are_the_models_own_over_its_own_features(folder, layer):
    inputs, mask = batch(12_000)
    features = WhisperFeatureExtractor.from_pretrained(folder)(
        inputs[0, :12_000].numpy(), sampling_rate=16_000, return_tensors="pt"
    ).input_features
    encoder = loaded(folder, layer=layer)
    padded = torch.nn.functional.pad(inputs[:, :12_000], (0, WINDOW - 12_000))
    torch.testing.assert_close(encoder.log_mel(padded), features, atol=1e-4, rtol=1e-4)
    whole = AutoModel.from_pretrained(folder).encoder.eval()(features, output_hidden_states=True)
    expected = whole.last_hidden_state if layer == -1 else whole.hidden_states[layer]
    states, real = encoder.extract(inputs, mask)
    assert states.shape == (1, 38, 16)
    assert real.all()
    torch.testing.assert_close(states, expected[:, :38], atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("pooled", [False, True])
def test_a_batch_equals_each_waveform_alone_whatever_its_length(folder, pooled):
    lengths = (40_000, 12_000, 16_000, 1, 0)
    inputs, mask = batch(*lengths)
    encoder = loaded(folder, pooled=pooled)
    states, real = encoder.extract(inputs, mask)
    assert real.sum(dim=1).tolist() == ([1, 1, 1, 1, 0] if pooled else [125, 38, 50, 1, 0])
    assert not states[~real].any()
    for row, length in enumerate(lengths[:-1]):
        alone, _ = encoder.extract(inputs[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(states[row, real[row]], alone[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_nothing_at_all_gives_no_token(folder):
    inputs, mask = batch(0, 0)
    for some, none in ((inputs, mask), (inputs[:, :0], mask[:, :0]), (inputs[:0], mask[:0])):
        states, real = loaded(folder).extract(some, none)
        assert len(states) == len(some)
        assert not real.any()


def test_a_checkpoint_holds_nothing_of_it(folder):
    assert loaded(folder).state_dict() == {}
