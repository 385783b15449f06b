"""The papers' own front ends against their equations, written out in loops."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from engine.features.avt_ca_face import (
    ChannelAttention,
    InvertedResidual,
    LocalFeatures,
    MapAttention,
    SpatialAttention,
)
from engine.features.avt_ca_voice import ConvolutionBlock
from engine.features.builders import audio_encoder
from engine.layers.normalisation import MaskedBatchNorm

close = partial(np.testing.assert_allclose, rtol=0, atol=1e-10)
EPS = 1e-5


def settled(module):
    """Weights and running statistics as if something had been learned."""
    made = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=made))
            elif tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=made) * 0.5)
    return module.double().eval()


def weights(module):
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def normed(of, prefix, x):
    spread = np.sqrt(of[f"{prefix}.running_var"] + EPS)
    return (x - of[f"{prefix}.running_mean"]) / spread * of[f"{prefix}.weight"] + of[f"{prefix}.bias"]


def at(maps, channel, i, j):
    """The map's value, 0 around it."""
    _, height, width = maps.shape
    return maps[channel, i, j] if 0 <= i < height and 0 <= j < width else 0.0


def convolved(maps, kernel, channel, i, j):
    """A 3x3 kernel of one channel around a place."""
    return sum(kernel[m + 1, n + 1] * at(maps, channel, i + m, j + n) for m in (-1, 0, 1) for n in (-1, 0, 1))


def a_map(channels=3, height=4, width=6):
    return np.random.default_rng(2).standard_normal((channels, height, width))


def through(module, maps):
    with torch.no_grad():
        return module(torch.from_numpy(maps)[None])[0].numpy()


def channel_weights(of, maps):
    channels, height, width = maps.shape
    mean = np.array(
        [sum(maps[k, i, j] for i in range(height) for j in range(width)) / (height * width) for k in range(channels)]
    )
    hidden = np.array([sigmoid(row @ mean + b) for row, b in zip(of["narrow.weight"], of["narrow.bias"], strict=True)])
    return np.array([sigmoid(row @ hidden + b) for row, b in zip(of["widen.weight"], of["widen.bias"], strict=True)])


def place_weights(of, maps):
    channels, height, width = maps.shape
    scores = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            told = sum(convolved(maps, of["score.weight"][0, k], k, i, j) for k in range(channels))
            scores[i, j] = math.exp(told + of["score.bias"][0])
    return scores / scores.sum()


def test_channel_attention():
    module = settled(ChannelAttention(3, hidden=2))
    close(through(module, a_map()), channel_weights(weights(module), a_map()))


def test_spatial_attention():
    module = settled(SpatialAttention(3))
    close(through(module, a_map()), place_weights(weights(module), a_map()))


@pytest.mark.parametrize("paper", [False, True])
def test_both_attentions(paper):
    module = settled(MapAttention(width=3, hidden=2, channel_attention=True, spatial_attention=True, paper=paper))
    maps, result = a_map(), through(module, a_map())
    of_channels, of_places = weights(module.channels), weights(module.places)
    many, where = channel_weights(of_channels, maps), place_weights(of_places, maps)
    for k in range(3):
        for i in range(4):
            for j in range(6):
                close(result[k, i, j], many[k] * where[i, j] * maps[k, i, j] * (1 if paper else 24))


def test_local_features_of_the_four_patches():
    module = settled(LocalFeatures(2))
    of, maps = weights(module), a_map(channels=2)
    put_together = np.zeros_like(maps)
    for patch, (top, left) in enumerate([(0, 0), (0, 3), (2, 0), (2, 3)]):
        piece = maps[:, top : top + 2, left : left + 3]
        for i in range(2):
            for j in range(3):
                deep = np.zeros(2)
                for k in range(2):
                    row = 2 * patch + k
                    deep[k] = convolved(piece, of["patches.0.weight"][row, 0], k, i, j) + of["patches.0.bias"][row]
                for k in range(2):
                    row = 2 * patch + k
                    mixed = of["patches.1.weight"][row, :, 0, 0] @ deep + of["patches.1.bias"][row]
                    put_together[k, top + i, left + j] = mixed
    told = np.einsum("kc,chw->khw", of["project.weight"][:, :, 0, 0], put_together)
    close(through(module, maps), maps + told + of["project.bias"][:, None, None])


def test_inverted_residual():
    module = settled(InvertedResidual(2, expansion=3))
    of, maps = weights(module), a_map(channels=2)
    wide = np.zeros((6, 4, 6))
    result = through(module, maps)
    for i in range(4):
        for j in range(6):
            wide[:, i, j] = np.maximum(normed(of, "inside.1", of["inside.0.weight"][:, :, 0, 0] @ maps[:, i, j]), 0)
    for i in range(4):
        for j in range(6):
            deep = np.array([convolved(wide, of["inside.3.weight"][k, 0], k, i, j) for k in range(6)])
            deep = np.maximum(normed(of, "inside.4", deep), 0)
            narrow = normed(of, "inside.7", of["inside.6.weight"][:, :, 0, 0] @ deep)
            close(result[:, i, j], maps[:, i, j] + narrow)


@pytest.mark.parametrize("steps", [1, 6, 7])
def test_a_block_of_the_voice(steps):
    module = settled(ConvolutionBlock(3, 4))
    of, frames = weights(module), np.random.default_rng(1).standard_normal((steps, 3))
    seen = []
    for t in range(steps):
        told = sum(of["convolution.weight"][:, :, m + 1] @ frames[t + m] for m in (-1, 0, 1) if 0 <= t + m < steps)
        seen.append(np.maximum(normed(of, "norm.norm", told), 0))
    expected = [np.max(seen[t : t + 2], axis=0) for t in range(0, steps, 2)]
    with torch.no_grad():
        result, mask = module(torch.from_numpy(frames)[None], torch.ones(1, steps, dtype=torch.bool))
    assert mask.all()
    close(result[0].numpy(), expected)


def test_the_convolutions_of_attsf_net():
    module = settled(audio_encoder({"name": "attsf-voice", "n_mels": 16, "n_mfcc": 6, "channels": [2, 3], "width": 4}))
    of, frames = weights(module), np.random.default_rng(1).standard_normal((13, 6))
    maps = frames[None]
    for block, after in enumerate((2, 3)):
        kernel = of[f"convolutions.{block}.weight"]
        height, width = maps.shape[1] - 2, maps.shape[2] - 2
        seen = np.zeros((after, height, width))
        for i in range(height):
            for j in range(width):
                told = [(kernel[k] * maps[:, i : i + 3, j : j + 3]).sum() for k in range(after)]
                seen[:, i, j] = np.maximum(normed(of, f"norms.{block}.norm", np.array(told)), 0)
        maps = np.stack([seen[:, t : t + 2].max(axis=1) for t in range(0, height - 1, 2)], axis=1)
    tokens = torch.from_numpy(maps.transpose(1, 0, 2).reshape(1, maps.shape[1], -1))
    real = torch.ones(1, maps.shape[1], dtype=torch.bool)
    with torch.no_grad():
        result, mask = module.encode(torch.from_numpy(frames)[None], torch.ones(1, 13, dtype=torch.bool))
        assert mask.shape == real.shape
        close(result.numpy(), module.temporal(tokens, real).numpy())


def test_batch_statistics_are_those_of_the_real_items():
    items = torch.randn(3, 4, 2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]], dtype=torch.bool)
    norm = MaskedBatchNorm(5).double()
    result = norm(items, mask)
    real = items[mask].reshape(-1, 5).numpy()
    expected = (real - real.mean(axis=0)) / np.sqrt(real.var(axis=0) + EPS)
    close(result[mask].reshape(-1, 5).detach().numpy(), expected)
    close(norm.norm.running_mean.numpy(), 0.1 * real.mean(axis=0))
    assert not result[~mask].any()
