import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model, WhisperConfig, WhisperModel

from engine.errors import CheckpointError
from engine.features.speech import load


@pytest.fixture(params=["group", "layer"])
def folder(request, tmp_path):
    """A tiny random model, saved as the hub would have it."""
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8, 8),
        conv_kernel=(10, 3, 3),
        conv_stride=(5, 2, 2),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm=request.param,
        do_stable_layer_norm=request.param == "layer",
    )
    Wav2Vec2Model(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path)
    return str(tmp_path)


def batch(*lengths):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(len(lengths), max(lengths) + 50, generator=generator)
    mask = torch.arange(inputs.shape[1]) < torch.tensor(lengths)[:, None]
    return inputs, mask


@torch.no_grad()
@pytest.mark.parametrize("pooled", [False, True])
def test_a_batch_equals_each_waveform_alone(folder, pooled):
    encoder = load(folder, layer=-1, pooled=pooled)
    lengths = (3000, 1234, 20, 0)
    inputs, mask = batch(*lengths)
    states, frames = encoder.extract(inputs, mask)
    assert states.shape[2] == encoder.width == 16
    assert frames.any(dim=1).tolist() == [True, True, True, False]
    for row, length in enumerate(lengths[:-1]):
        alone, alone_mask = encoder.extract(inputs[row : row + 1, :length], mask[row : row + 1, :length])
        assert alone_mask.all()
        torch.testing.assert_close(states[row, frames[row]], alone[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_frames_are_the_models_own_hidden_states(folder):
    inputs, mask = batch(2000)
    encoder = load(folder, layer=1, pooled=False)
    prepared = Wav2Vec2FeatureExtractor(do_normalize=True)(
        inputs[0, :2000].numpy(), sampling_rate=16_000, return_tensors="pt"
    )
    model = Wav2Vec2Model.from_pretrained(folder).eval()
    expected = model(prepared.input_values, output_hidden_states=True).hidden_states[1]
    states, _ = encoder.extract(inputs, mask)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-4)


def test_a_model_that_is_not_there_is_a_checkpoint_error(tmp_path):
    with pytest.raises(CheckpointError, match="neither a folder"):
        load(str(tmp_path / "nowhere"), layer=-1, pooled=True)


def test_a_model_of_another_kind_is_named(tmp_path):
    config = WhisperConfig(
        d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=1, decoder_attention_heads=1,
        encoder_ffn_dim=8, decoder_ffn_dim=8, vocab_size=60, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    WhisperModel(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="whisper"):
        load(str(tmp_path), layer=-1, pooled=True)
