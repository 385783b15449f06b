"""Counts against what a pencil says, for every kind of layer that the models are made of."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pack_padded_sequence

from engine.fusion.builders import NAMES, fusion
from engine.layers.macs import macs
from engine.layers.multihead import MultiHead
from engine.layers.recurrent import gated_step
from engine.layers.temporal import Temporal

B, T, D, H = 2, 5, 4, 6


def _lstm(*, steps: int, width: int, hidden: int) -> int:
    """One direction of one layer, one row."""
    return steps * 4 * hidden * (width + hidden)


@pytest.fixture(params=["inference", "gradients"], autouse=True)
def mode(request):
    with torch.inference_mode(request.param == "inference"):
        yield


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias):
    layer = nn.Linear(D, 7, bias=bias)
    assert macs(lambda: layer(torch.randn(B, T, D))) == B * T * D * 7
    assert macs(lambda: layer(torch.randn(D))) == D * 7


def test_products():
    left, right = torch.randn(B, 3, D), torch.randn(B, D, 5)
    assert macs(lambda: left @ right) == B * 3 * D * 5
    assert macs(lambda: left[0] @ right[0]) == 3 * D * 5
    assert macs(lambda: left[0] @ right[0, :, 0]) == 3 * D
    assert macs(lambda: left[0, 0] @ right[0, :, 0]) == D
    assert macs(lambda: torch.einsum("bij,bjk->bik", left, right)) == B * 3 * D * 5


def test_convolutions():
    one = nn.Conv1d(D, 8, 3, stride=2, groups=2)
    assert macs(lambda: one(torch.randn(B, D, 11))) == B * 8 * 5 * (D // 2) * 3
    two = nn.Conv2d(D, 8, (3, 5), padding=(1, 2), groups=D)
    assert macs(lambda: two(torch.randn(B, D, 6, 7))) == B * 8 * 6 * 7 * 1 * 15
    three = nn.Conv3d(3, 2, 3)
    assert macs(lambda: three(torch.randn(1, 3, 5, 5, 5))) == 2 * 27 * 3 * 27


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("masked", [True, False])
def test_attention(dtype, masked):
    query, key, value = (torch.randn(B, 2, length, D, dtype=dtype) for length in (3, T, T))
    mask = torch.ones(B, 1, 1, T, dtype=torch.bool) if masked else None
    assert macs(lambda: scaled_dot_product_attention(query, key, value, attn_mask=mask)) == B * 2 * 3 * T * (D + D)


def test_many_heads():
    width = 8
    heads = MultiHead(width=width, heads=2, bias=True)
    asking, asked = torch.randn(B, 3, width), torch.randn(B, T, width)
    mask = torch.ones(B, T, dtype=torch.bool)
    projections = B * (3 + T + T + 3) * width * width
    assert macs(lambda: heads(asking, asked, mask)) == projections + B * 3 * T * 2 * width


def test_torchs_own_transformer_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    expected = B * T * (4 * 8 * 8 + 2 * 8 * 16) + B * T * T * 2 * 8
    assert macs(lambda: layer(torch.randn(B, T, 8))) == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_recurrent_layers():
    tokens = torch.randn(B, T, D)
    both = nn.LSTM(D, H, 2, bidirectional=True, batch_first=True)
    a_row = 2 * _lstm(steps=T, width=D, hidden=H) + 2 * _lstm(steps=T, width=2 * H, hidden=H)
    assert macs(lambda: both(tokens)) == B * a_row
    short = 2 * _lstm(steps=3, width=D, hidden=H) + 2 * _lstm(steps=3, width=2 * H, hidden=H)
    packed = pack_padded_sequence(tokens, torch.tensor([T, 3]), batch_first=True)
    assert macs(lambda: both(packed)) == a_row + short
    gated = nn.GRU(D, H, 2, bidirectional=True, batch_first=True)
    assert macs(lambda: gated(tokens)) == B * a_row * 3 // 4


def test_cells():
    inputs = torch.randn(B, D)
    assert macs(lambda: nn.GRUCell(D, H)(inputs)) == B * 3 * H * (D + H)
    assert macs(lambda: nn.LSTMCell(D, H)(inputs)) == B * 4 * H * (D + H)
    # The states of a row share their input's product.
    cell, states = nn.GRUCell(D, H), torch.randn(B, 7, H)
    assert macs(lambda: gated_step(cell, inputs[:, None], states)) == B * 3 * H * (D + 7 * H)


def test_what_reads_no_padding_is_not_charged_for_it():
    layer = Temporal(tokens_width=D, hidden=H, layers=1, causal=True)
    mask = torch.arange(T)[None] < torch.tensor([[T], [2]])
    assert macs(lambda: layer(torch.randn(B, T, D), mask)) == _lstm(steps=T + 2, width=D, hidden=H)


def test_element_by_element_is_free():
    assert macs(lambda: torch.randn(B, T).sigmoid() * 3 + 1) == 0


def test_cross_attention_of_clips_whole():
    width, outputs, length = 8, 7, 5
    model = fusion("ca", audio_width=D, video_width=D, width=width, classes=outputs).eval()
    tokens, mask = torch.randn(1, length, D), torch.ones(1, length, dtype=torch.bool)
    entrances = 2 * length * D * width
    correlations = 2 * length * width * width
    attentions = 2 * length * length * 2 * width
    see_and_say = 2 * width * 2 * width + 2 * width * outputs
    expected = entrances + correlations + attentions + see_and_say
    assert macs(lambda: model.fuse(tokens, mask, tokens, mask)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_utterances_cost_twice(name):
    model = fusion(name, audio_width=D, video_width=D, width=16).eval()

    def cost(batch: int) -> int:
        tokens, mask = torch.randn(batch, T, D), torch.ones(batch, T, dtype=torch.bool)
        return macs(lambda: model.fuse(tokens, mask, tokens, mask))

    assert cost(2) == 2 * cost(1) > 0


def test_weights_that_could_learn_are_no_obstacle():
    with torch.inference_mode(False):
        model = fusion("attsf", audio_width=D, video_width=D, width=16).eval()
        tokens, mask = torch.randn(1, T, D), torch.ones(1, T, dtype=torch.bool)
    assert macs(lambda: model.fuse(tokens, mask, tokens, mask)) > 0
