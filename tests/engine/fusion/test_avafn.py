"""AVAFN's CAM against its equations written out in loops."""

import math

import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.fusion.avafn import Branch, Cam
from engine.fusion.builders import avafn

AUDIO, VIDEO, D = 5, 7, 4
LENGTHS = [(5, 4), (3, 2), (4, 0), (0, 4), (0, 0), (1, 1)]


def module(*, pool_first: bool = False) -> Cam:
    torch.manual_seed(0)
    made = avafn(audio_width=AUDIO, video_width=VIDEO, width=D, feed_forward_width=6, pool_first=pool_first).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return made.eval()


def batch(lengths=LENGTHS, padding: float = 99.0):
    torch.manual_seed(1)
    result = []
    for width, own in ((AUDIO, [a for a, _ in lengths]), (VIDEO, [v for _, v in lengths])):
        tokens = torch.full((len(own), 6, width), padding, dtype=torch.float64)
        mask = torch.arange(6) < torch.tensor(own)[:, None]
        for row, length in enumerate(own):
            tokens[row, :length] = torch.randn(6, width, dtype=torch.float64)[:length]
        result += [tokens, mask]
    return tuple(result)


def layer_norm(x, weights, name):
    x = (x - x.mean()) / np.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def naive(weights, tokens):
    """u and v of one utterance from its real tokens, `{"audio": [T, D], "video": [T, D]}`."""
    present = [side for side in tokens if len(tokens[side])]
    hidden = {
        side: [weights[f"{side}.enter.weight"] @ x + weights[f"{side}.enter.bias"] for x in tokens[side]]
        for side in tokens
    }
    raw = dict(zip(("audio", "video"), np.exp(weights["mix"]), strict=True))
    u, v = np.zeros(D), np.zeros(D)
    for side in present:
        other = "video" if side == "audio" else "audio"
        crossed = []
        for h in hidden[side]:
            q = weights[f"{side}.query.weight"] @ h
            scores = [math.exp(q @ (weights[f"{other}.key.weight"] @ k) / math.sqrt(D)) for k in hidden[other]]
            told = np.zeros(D)
            for score, k in zip(scores, hidden[other], strict=True):
                told += score / sum(scores) * (weights[f"{other}.value.weight"] @ k)
            normed = layer_norm(h + told, weights, f"{side}.attention_norm")
            inner = weights[f"{side}.feed_forward.0.weight"] @ normed + weights[f"{side}.feed_forward.0.bias"]
            outer = weights[f"{side}.feed_forward.2.weight"] @ np.maximum(inner, 0)
            outer += weights[f"{side}.feed_forward.2.bias"]
            crossed.append(layer_norm(normed + outer, weights, f"{side}.feed_forward_norm"))
        mean = sum(hidden[side]) / len(hidden[side])
        residual = weights[f"{side}.residual.0.weight"] @ mean + weights[f"{side}.residual.0.bias"]
        u += raw[side] / sum(raw[one] for one in present) * sum(crossed) / len(crossed)
        u += layer_norm(residual, weights, f"{side}.residual.1")
        if side == "video":
            v = mean
    return u, v


@pytest.mark.parametrize("pool_first", [False, True])
def test_the_equations(pool_first):
    cam = module(pool_first=pool_first)
    audio, audio_mask, video, video_mask = batch()
    fused = cam.fuse(audio, audio_mask, video, video_mask)
    weights = {name: tensor.numpy() for name, tensor in cam.state_dict().items()}
    for row in range(len(LENGTHS)):
        tokens = {"audio": audio[row, audio_mask[row]].numpy(), "video": video[row, video_mask[row]].numpy()}
        if pool_first:
            tokens = {side: x.mean(0, keepdims=True) if len(x) else x for side, x in tokens.items()}
        u, v = naive(weights, tokens)
        np.testing.assert_allclose(fused.u[row].detach(), u, rtol=0, atol=1e-10)
        np.testing.assert_allclose(fused.v[row].detach(), v, rtol=0, atol=1e-10)
        logits = weights["head.weight"] @ u + weights["head.bias"]
        np.testing.assert_allclose(fused.logits[row].detach(), logits, rtol=0, atol=1e-10)
    assert fused.gate == {}


def test_alpha_and_beta_sum_to_one():
    cam = module()
    assert cam.alpha + cam.beta == pytest.approx(1)
    assert cam.alpha == pytest.approx(float(cam.mix.detach().exp()[0] / cam.mix.detach().exp().sum()))


@pytest.mark.parametrize("pool_first", [False, True])
def test_gradients(pool_first):
    cam = module(pool_first=pool_first)
    audio, audio_mask, video, video_mask = batch([(2, 3), (2, 0)])
    given = (audio.requires_grad_(), video.requires_grad_(), *cam.parameters())

    def fused(audio, video, *parameters):
        result = cam.fuse(audio, audio_mask, video, video_mask)
        return result.u, result.v, result.logits

    assert torch.autograd.gradcheck(fused, given)


def test_branches_of_one_width_only():
    def branch(width: int) -> Branch:
        return Branch(tokens_width=3, width=width, feed_forward_width=4, dropout=0.0)

    with pytest.raises(ConfigurationError, match="make them alike"):
        Cam(audio=branch(4), video=branch(6), classes=7, dropout=0.0, pool_first=False)
