"""AVT-CA, ATTSF-Net and the family of dynamic cross-attention against their papers' equations, written out in loops."""

import math
from functools import partial

import numpy as np
import pytest

from engine.fusion import builders
from engine.fusion.attsf import Attsf
from engine.fusion.avt_ca import AvtCa
from tests.engine.fusion import naive
from tests.engine.fusion.small import WIDTHS, D, added, entered, fused, randomised, utterances

close = partial(np.testing.assert_allclose, rtol=0, atol=1e-10)


# --- AVT-CA, eqs 2-6 and section III-C ------------------------------------------------------------------------------


def avt_ca_block(weights, mine, theirs, heads):
    told = naive.multi_head(naive.below(weights, "attention."), mine, theirs, heads)
    result = []
    for x in added(mine, told):
        normed = naive.layer_norm(weights, "norm", x)
        wide = naive.linear(weights, "widen", normed)
        wide = np.array([0.5 * y * (1 + math.erf(y / math.sqrt(2))) for y in wide])
        result.append(normed + naive.linear(weights, "narrow", wide))
    return result


@pytest.mark.parametrize("paper", [False, True])
@pytest.mark.parametrize("own", ["block", "attention"])
def test_avt_ca(own, paper):
    module = randomised(
        AvtCa(**WIDTHS, feed_forward_width=6, transformer_heads=2, cross_heads=2, own=own, paper=paper, dropout=0.0)
    )
    result, weights = fused(module), naive.of(module)
    for row, (audio, video) in enumerate(utterances()):
        a, v = entered(weights, "enter_audio", audio), entered(weights, "enter_video", video)
        close(result.v[row], naive.mean(v, D))
        a, v = (
            avt_ca_block(naive.below(weights, "transform.audio."), a, v, 2),
            avt_ca_block(naive.below(weights, "transform.video."), v, a, 2),
        )
        of = {side: naive.below(weights, f"cross_self.{side}.") for side in ("audio", "video")}
        crossed = []
        for side, other, mine, theirs in (("audio", "video", a, v), ("video", "audio", v, a)):
            mixed = {"query.weight": of[side]["query.weight"]}
            mixed |= {name: of[other][name] for name in ("key.weight", "value.weight")}
            parts = [mine, naive.ask(mixed, mine, theirs) if theirs else [np.zeros(D)] * len(mine)]
            if own == "attention":
                parts.append(naive.ask(of[side], mine, mine))
            crossed.append(added(*parts))
        a, v = crossed
        last_a = naive.multi_head(naive.below(weights, "final.audio."), a, v, 2)
        last_v = naive.multi_head(naive.below(weights, "final.video."), v, a, 2)
        a, v = (last_a, last_v) if paper else (added(a, last_a), added(v, last_v))
        u = sum(np.max(tokens, axis=0) for tokens in (a, v) if len(tokens))
        close(result.u[row], u)
        close(result.logits[row], naive.linear(weights, "head", u))


# --- ATTSF-Net, eqs 3-13 and 19-21 ----------------------------------------------------------------------------------


def cmb(weights, mine, theirs):
    asked = naive.ask(naive.below(weights, "ask."), mine, theirs) if theirs else [np.zeros(D)] * len(mine)
    normed = [naive.layer_norm(weights, "norm", x) for x in added(mine, asked)]
    return naive.transformer_block(naive.below(weights, "block."), normed, 2)


def joined(weights, join, main, own):
    if join == "sum":
        return main + own
    if join == "l2":
        of_main, of_own = (math.sqrt(sum(x * x for x in part)) for part in (main, own))
        share = of_main / (of_main + of_own) if of_main + of_own else 0.5
        return share * main + (1 - share) * own
    of_own, of_main = naive.softmax(list(naive.linear(weights, "weigh", np.concatenate([main, own]))))
    return of_main * main + of_own * own


@pytest.mark.parametrize("join", ["sum", "l2", "gat"])
def test_attsf(join):
    length = 6
    module = randomised(
        Attsf(
            **WIDTHS, length=length, heads=2, feed_forward_width=6, avam_feed_forward_width=5,
            cmb_layers=2, sab_layers=2, avam_layers=1, join=join, dropout=0.0,
        )
    )  # fmt: skip
    result, weights = fused(module), naive.of(module)
    place = np.array(
        [
            [(math.sin if k % 2 == 0 else math.cos)(t / 10_000 ** ((k - k % 2) / D)) for k in range(D)]
            for t in range(length)
        ]
    )
    for row, (audio, video) in enumerate(utterances()):
        x = {}
        for side, tokens in (("audio", audio), ("video", video)):
            aligned = naive.interpolated(entered(weights, f"enter_{side}.project", tokens), length)
            x[side] = [token + place[t] for t, token in enumerate(aligned)]
        main = dict(x)
        token = weights["token"]
        for layer in range(2):
            main = {
                side: cmb(naive.below(weights, f"cmb.{layer}.{side}."), main[side], main[other])
                for side, other in (("audio", "video"), ("video", "audio"))
            }
            of_layer = naive.below(weights, f"sab.{layer}.")
            for side in ("video", "audio"):
                if x[side]:
                    token = naive.ask(naive.below(of_layer, f"{side}."), [token], x[side])[0]
            normed = naive.layer_norm(of_layer, "norm", token)
            token = naive.transformer_block(naive.below(of_layer, "block."), [normed], 2)[0]
        close(result.branches["token"][row], token)
        u, own_of = [], {}
        for side in ("audio", "video"):
            pooled = naive.mean(main[side], D)
            block = naive.below(weights, f"avam_{side}.blocks.0.")
            own_of[side] = naive.mean(naive.transformer_block(block, x[side], 2), D)
            u.append(joined(naive.below(weights, f"join_{side}."), join, pooled, own_of[side]))
            close(result.branches[side][row], pooled)
            close(result.branches[f"{side}_logits"][row], naive.linear(weights, f"{side}_head", own_of[side]))
        close(result.u[row], np.concatenate(u))
        close(result.logits[row], naive.linear(weights, "head", np.concatenate(u)))
        close(result.v[row], np.concatenate([own_of["video"], naive.mean(x["video"], D)]))


# --- the family of dynamic cross-attention ---------------------------------------------------------------------------


def ca(weights, a, v):
    matrix = weights["correlate.weight"]
    correlation = [[float(x @ matrix @ y) for y in v] for x in a]
    of_a, of_v = list(a), list(v)
    for j in range(len(v)):
        shares = naive.softmax([correlation[i][j] for i in range(len(a))])
        of_a[j] = a[j] + sum(share * x for share, x in zip(shares, a, strict=True))
    for i in range(len(a)):
        shares = naive.softmax([correlation[i][j] for j in range(len(v))])
        of_v[i] = v[i] + sum(share * y for share, y in zip(shares, v, strict=True))
    return of_a, of_v


def tca(weights, a, v):
    result = []
    for side, mine, theirs in (("audio", a, v), ("video", v, a)):
        of = naive.below(weights, f"{side}.")
        crossed = added(mine, naive.multi_head(naive.below(of, "cross."), mine, theirs, 2))
        normed = [naive.layer_norm(of, "norm", x) for x in crossed]
        result.append(naive.transformer_block(naive.below(of, "block."), normed, 2))
    return tuple(result)


def jca(weights, a, v):
    joint = [np.concatenate([x, y]) for x, y in zip(a, v, strict=True)]
    result = []
    for side, clips in (("audio", a), ("video", v)):
        of = naive.below(weights, f"{side}.")
        attended = []
        for j, clip in enumerate(clips):
            told = np.zeros_like(clip)
            for other in clips:
                score = float(other @ of["correlate.weight"] @ joint[j]) / math.sqrt(len(joint[j]))
                told = told + math.tanh(score) * other
            attended.append(clip + of["widen.weight"] @ np.maximum(of["narrow.weight"] @ told, 0))
        result.append(attended)
    return tuple(result)


@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("name", ["ca", "tca", "jca"])
def test_clipwise(name, gate):
    options = {"ca": {}, "tca": {"heads": 2, "feed_forward_width": 6}, "jca": {"inner_width": 3}}[name]
    module = randomised(getattr(builders, name)(**WIDTHS, **options, gate=gate))
    result, weights = fused(module), naive.of(module)
    for row, (audio, video) in enumerate(utterances()):
        length = max(len(audio), len(video))
        a = naive.interpolated(entered(weights, "enter_audio", audio), length)
        v = naive.interpolated(entered(weights, "enter_video", video), length)
        attended = (
            {"ca": ca, "tca": tca, "jca": jca}[name](naive.below(weights, "crossing."), a, v) if a and v else (a, v)
        )
        sides = []
        for number, (plain, crossed) in enumerate(zip((a, v), attended, strict=True)):
            of_gate, shown = weights.get(f"gates.{number}.weigh.weight"), []
            for x, y in zip(plain, crossed, strict=True):
                if of_gate is None:
                    shown.append(y)
                    continue
                keep, take = naive.softmax([float(value) / 0.1 for value in of_gate @ y])
                shown.append(np.maximum(keep * x + take * y, 0))
            sides.append(naive.mean(shown, D))
        close(result.u[row], np.concatenate(sides))
        close(result.logits[row], naive.linear(weights, "head", np.concatenate(sides)))


def lstm(weights, tokens, hidden, causal):
    """One layer; rows of the matrices in blocks i, f, g, o."""
    directions = []
    for suffix in ("", "_reverse")[: 1 if causal else 2]:
        of = {key: weights[f"lstm.{key}_l0{suffix}"] for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        h = c = np.zeros(hidden)
        said = []
        for x in tokens[:: -1 if suffix else 1]:
            gates = of["weight_ih"] @ x + of["bias_ih"] + of["weight_hh"] @ h + of["bias_hh"]
            i, f, g, o = np.split(gates, 4)
            sigmoid = lambda y: 1 / (1 + np.exp(-y))  # noqa: E731
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            said.append(h)
        directions.append(said[:: -1 if suffix else 1])
    return [np.concatenate(parts) for parts in zip(*directions, strict=True)]


@pytest.mark.parametrize("causal", [False, True])
def test_rjca(causal):
    hidden = 3
    module = randomised(
        builders.rjca(**WIDTHS, hidden=hidden, lstm_layers=1, inner_width=3, recursions=2, causal=causal)
    )
    result, weights = fused(module), naive.of(module)
    for row, (audio, video) in enumerate(utterances()):
        length = max(len(audio), len(video))
        sides = []
        for number, (side, tokens) in enumerate((("audio", audio), ("video", video))):
            clips = naive.interpolated(entered(weights, f"enter_{side}", tokens), length)
            sides.append(lstm(naive.below(weights, f"before.{number}."), clips, hidden, causal) if clips else [])
        if all(sides):
            for step in range(2):
                sides = jca(naive.below(weights, f"crossing.steps.{step}."), *sides)
        silent = np.zeros(hidden * (1 if causal else 2))
        joint = [np.concatenate([(side[t] if len(side) else silent) for side in sides]) for t in range(length)]
        u = naive.mean(lstm(naive.below(weights, "joint."), joint, hidden, causal), module.width)
        close(result.u[row], u)
        close(result.logits[row], naive.linear(weights, "head", u))
