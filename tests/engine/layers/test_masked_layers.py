"""The shared torch blocks against loops."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from engine.layers.attention import masked_attention
from engine.layers.pooling import masked_mean
from engine.layers.recurrent import gated_step

close = partial(torch.testing.assert_close, rtol=0, atol=1e-12)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_mean_over_the_real_items():
    items, mask = torch.randn(3, 4, 2, dtype=torch.float64), torch.tensor([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    items[0, 1] = math.nan
    mean = masked_mean(items, mask.bool())
    close(mean[0], (items[0, 0] + items[0, 2]) / 2)
    close(mean[1], torch.zeros(2, dtype=torch.float64))
    close(mean[2], items[2].mean(0))
    assert not masked_mean(items[:, :0], mask[:, :0].bool()).any()


@pytest.mark.parametrize("heads", [1, 2])
def test_attention_is_the_softmax_over_real_keys(heads):
    query, key, value = (torch.randn(3, heads, length, 4, dtype=torch.float64) for length in (5, 3, 3))
    mask = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    result = masked_attention(query, key, value, mask)
    for row in range(3):
        for head in range(heads):
            for token in range(5):
                expected = torch.zeros(4, dtype=torch.float64)
                scores = [
                    math.exp(float(query[row, head, token] @ key[row, head, k]) / 2) if mask[row, k] else 0.0
                    for k in range(3)
                ]
                for k, score in enumerate(scores):
                    expected += (score / sum(scores) if sum(scores) else 0.0) * value[row, head, k]
                close(result[row, head, token], expected)


@pytest.mark.parametrize("keys", [0, 3])
def test_attention_without_any_key_is_zero_forward_and_backward(keys):
    query, key, value = (torch.randn(2, 1, length, 4, requires_grad=True) for length in (5, keys, keys))
    result = masked_attention(query, key, value, torch.zeros(2, keys, dtype=torch.bool))
    assert result.shape == (2, 1, 5, 4)
    assert not result.any()
    result.sum().backward()
    assert not any(part.grad.any() for part in (query, key, value) if part.grad is not None)


def test_one_input_moves_many_states_as_the_cell_of_torch_does():
    cell = nn.GRUCell(3, 4).double()
    inputs, states = torch.randn(2, 1, 3, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    moved = gated_step(cell, inputs, states)
    for slot in range(5):
        close(moved[:, slot], cell(inputs[:, 0], states[:, slot]))
