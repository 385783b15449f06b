from pathlib import Path

import pytest
import torch
from transformers import (
    ASTConfig,
    AutoModel,
    Data2VecAudioConfig,
    HubertConfig,
    UniSpeechConfig,
    UniSpeechSatConfig,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    Wav2Vec2FeatureExtractor,
    WavLMConfig,
)

from engine.errors import CheckpointError
from engine.features.speech_files import fingerprint, load

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8, 8, 8),
    "conv_kernel": (10, 3, 3),
    "conv_stride": (5, 2, 2),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
BASE = SIZES | {"feat_extract_norm": "group"}
LARGE = SIZES | {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
FAMILIES = {
    "wav2vec2 base": Wav2Vec2Config(**BASE),
    "wav2vec2 large": Wav2Vec2Config(**LARGE),
    "hubert base": HubertConfig(**BASE),
    "hubert large": HubertConfig(**LARGE),
    "wavlm base": WavLMConfig(**BASE),
    "wavlm large": WavLMConfig(**LARGE),
    "unispeech": UniSpeechConfig(**LARGE),
    "unispeech-sat": UniSpeechSatConfig(**LARGE),
    "data2vec": Data2VecAudioConfig(**SIZES | {"num_conv_pos_embeddings": 3}, conv_pos_kernel_size=5),
    "conformer": Wav2Vec2ConformerConfig(**SIZES, feat_extract_norm="layer", conv_depthwise_kernel_size=3),
}
# PyTorch's own attention, which WavLM calls with a mask and a bias of two kinds.
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask and attn_mask:UserWarning")


def save(config, folder):
    """A tiny random model, saved as the hub would have it."""
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return str(folder)


def loaded(folder, *, layer=-1, pooled=False, pickled=False):
    known = fingerprint(Path(folder), pickled=pickled)
    return load(folder, layer=layer, pooled=pooled, sha256=known, pickled=pickled)


@pytest.fixture(params=FAMILIES)
def folder(request, tmp_path):
    return save(FAMILIES[request.param], tmp_path)


@pytest.fixture
def large(tmp_path):
    return save(FAMILIES["wav2vec2 large"], tmp_path)


def batch(*lengths):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(len(lengths), max(lengths) + 50, generator=generator)
    mask = torch.arange(inputs.shape[1]) < torch.tensor(lengths)[:, None]
    return inputs, mask


@torch.no_grad()
@pytest.mark.parametrize("pooled", [False, True])
def test_a_batch_equals_each_waveform_alone(folder, pooled):
    encoder = loaded(folder, layer=2, pooled=pooled)
    lengths = (3000, 1234, 20, 0, 1234)
    inputs, mask = batch(*lengths)
    states, frames = encoder.extract(inputs, mask)
    assert states.shape[2] == encoder.width == 16
    assert frames.any(dim=1).tolist() == [True, True, True, False, True]
    for row, length in enumerate(lengths):
        if length:
            alone, alone_mask = encoder.extract(inputs[row : row + 1, :length], mask[row : row + 1, :length])
            assert alone_mask.all()
            torch.testing.assert_close(states[row, frames[row]], alone[0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("layer", [0, 1, 3, -1, -2])
def test_frames_are_the_models_own_hidden_states(folder, layer):
    inputs, mask = batch(2000)
    prepared = Wav2Vec2FeatureExtractor(do_normalize=True)(
        inputs[0, :2000].numpy(), sampling_rate=16_000, return_tensors="pt"
    )
    whole = AutoModel.from_pretrained(folder).eval()(prepared.input_values, output_hidden_states=True)
    expected = whole.last_hidden_state if layer in (3, -1) else whole.hidden_states[layer]
    states, _ = loaded(folder, layer=layer).extract(inputs, mask)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-4)
    pooled, _ = loaded(folder, layer=layer, pooled=True).extract(inputs, mask)
    torch.testing.assert_close(pooled, expected.mean(dim=1, keepdim=True), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_bfloat16_is_equal_within_a_share_of_a_states_spread(large):
    inputs, mask = batch(3000, 2000)
    reduced = load(
        large, layer=-1, pooled=False, sha256=fingerprint(Path(large)), pickled=False, precision="bfloat16"
    ).extract(inputs, mask)[0]
    exact = loaded(large).extract(inputs, mask)[0]
    assert reduced.dtype == torch.float32
    assert 0 < (reduced - exact).abs().max() < 0.15 * exact.std()


def test_a_checkpoint_holds_nothing_of_it_and_needs_nothing(large):
    encoder = loaded(large)
    before = [parameter.clone() for parameter in encoder.parameters()]
    assert encoder.state_dict() == {}
    assert torch.nn.Sequential(encoder, torch.nn.Linear(2, 2)).state_dict().keys() == {"1.weight", "1.bias"}
    encoder.load_state_dict({}, strict=True)
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))


def test_what_was_trained_further_is_saved_as_a_folder(large, tmp_path):
    encoder = loaded(large)
    with torch.no_grad():
        encoder.model.feature_projection.projection.bias += 1
    save(FAMILIES["wav2vec2 large"], tmp_path / "further")
    encoder.model.save_pretrained(tmp_path / "further")
    inputs, mask = batch(1000)
    torch.testing.assert_close(
        loaded(str(tmp_path / "further")).extract(inputs, mask), encoder.extract(inputs, mask), atol=1e-6, rtol=1e-6
    )


def test_other_weights_under_the_same_name_are_refused(large):
    known = fingerprint(Path(large))
    config = FAMILIES["wav2vec2 large"]
    model = AutoModel.from_config(config)
    model.save_pretrained(large)
    changed = fingerprint(Path(large))
    assert changed != known
    with pytest.raises(CheckpointError, match=f"has sha256 = '{changed}'; not {known}"):
        load(large, layer=-1, pooled=False, sha256=known, pickled=False)
    with pytest.raises(CheckpointError, match=f"has sha256 = '{changed}'; its configuration does not say"):
        load(large, layer=-1, pooled=False, sha256=None, pickled=False)


def test_pickles_are_read_only_when_said_so_and_as_tensors_alone(large):
    safe = loaded(large)
    model = AutoModel.from_pretrained(large)
    torch.save(model.state_dict(), Path(large) / "pytorch_model.bin")
    (Path(large) / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="pickled = true"):
        loaded(large)
    inputs, mask = batch(1000)
    torch.testing.assert_close(loaded(large, pickled=True).extract(inputs, mask), safe.extract(inputs, mask))
    torch.save({"masked_spec_embed": print}, Path(large) / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        loaded(large, pickled=True)


def test_half_a_model_is_refused_instead_of_filled_with_chance(large):
    model = AutoModel.from_pretrained(large)
    state = {name: tensor for name, tensor in model.state_dict().items() if "layers.2" not in name}
    model.save_pretrained(large, state_dict=state)
    with pytest.raises(CheckpointError, match=r"lack \d+ tensors, 'encoder.layers.2"):
        loaded(large)


def test_a_layer_that_is_not_there_is_named(large):
    with pytest.raises(CheckpointError, match="layers 0 to 3: there is no layer 4"):
        loaded(large, layer=4)


def test_another_rate_is_refused(large):
    Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(large)
    with pytest.raises(CheckpointError, match="reads 8000 Hz"):
        loaded(large)


def test_without_hub_and_folder_the_error_says_how_to_save_one(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError, match="hf download somebody/speech --local-dir FOLDER"):
        load("somebody/speech", layer=-1, pooled=True, sha256=None, pickled=False)


def test_a_folder_without_a_model_is_said_so(tmp_path):
    with pytest.raises(CheckpointError, match=r"no \*\.safetensors"):
        load(str(tmp_path), layer=-1, pooled=True, sha256=None, pickled=False)
    with pytest.raises(CheckpointError, match="neither a folder"):
        load(str(tmp_path / "nowhere"), layer=-1, pooled=True, sha256=None, pickled=False)


def test_a_model_of_another_kind_is_named(tmp_path):
    config = ASTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    with pytest.raises(CheckpointError, match="audio-spectrogram-transformer"):
        loaded(save(config, tmp_path))
