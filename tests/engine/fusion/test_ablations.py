"""Every option of the papers' ablations takes away what it says, and nothing else."""

from functools import partial

import numpy as np
import pytest
import torch

from engine.errors import ConfigurationError
from engine.fusion.builders import fusion
from engine.layers.pooling import masked_mean
from tests.engine.fusion import naive
from tests.engine.fusion.small import ATTSF, WIDTHS, D, added, batch, entered, fused, randomised, utterances
from tests.engine.fusion.test_equations import avt_ca_block

close = partial(np.testing.assert_allclose, rtol=0, atol=1e-10)
same = partial(torch.testing.assert_close, rtol=0, atol=1e-12)


def names(module):
    return {name.split(".")[0] for name in module.state_dict()}


def pair(name, numbers, **off):
    """A model as it is, and the one where something is off, with the same weights in what is left."""
    whole = randomised(fusion(name, **WIDTHS, **numbers))
    part = randomised(fusion(name, **WIDTHS, **(numbers | off)))
    left = part.state_dict()
    part.load_state_dict({key: value for key, value in whole.state_dict().items() if key in left})
    return whole, part


def test_avafn_without_its_cam():
    module = randomised(fusion("avafn", **WIDTHS, attend=False))
    assert names(module) == {"enter_audio", "enter_video", "audio", "video", "head"}
    result, weights = fused(module), naive.of(module)
    for row, tokens in enumerate(utterances()):
        u = np.zeros(D)
        for side, own in zip(("audio", "video"), tokens, strict=True):
            mean = naive.mean(entered(weights, f"enter_{side}", own), D)
            if len(own):
                u = u + naive.layer_norm(weights, f"{side}.1", naive.linear(weights, f"{side}.0", mean))
        close(result.u[row], u)
        close(result.v[row], mean)
        close(result.logits[row], naive.linear(weights, "head", u))


@pytest.mark.parametrize("heads", [1, 4])
def test_avt_ca_with_its_intermediate_transformer_alone(heads):
    """IT-1 and IT-4 of Table V."""
    numbers = {"feed_forward_width": 6, "dropout": 0.0, "transformer_heads": heads, "cross_heads": None}
    module = randomised(fusion("avt-ca", **WIDTHS, **numbers))
    assert names(module) == {"enter_audio", "enter_video", "transform", "head"}
    result, weights = fused(module), naive.of(module)
    for row, (audio, video) in enumerate(utterances()):
        a, v = entered(weights, "enter_audio", audio), entered(weights, "enter_video", video)
        told_a = avt_ca_block(naive.below(weights, "transform.audio."), a, v, heads)
        told_v = avt_ca_block(naive.below(weights, "transform.video."), v, a, heads)
        close(result.u[row], sum(np.max(tokens, axis=0) for tokens in (told_a, told_v) if len(tokens)))


@pytest.mark.parametrize("heads", [1, 4])
def test_avt_ca_with_its_cross_attention_alone(heads):
    """CT-1 and CT-4 of Table V."""
    module = randomised(fusion("avt-ca", **WIDTHS, dropout=0.0, transformer_heads=None, cross_heads=heads))
    assert names(module) == {"enter_audio", "enter_video", "final", "head"}
    result, weights = fused(module), naive.of(module)
    for row, (audio, video) in enumerate(utterances()):
        a, v = entered(weights, "enter_audio", audio), entered(weights, "enter_video", video)
        told_a = added(a, naive.multi_head(naive.below(weights, "final.audio."), a, v, heads))
        told_v = added(v, naive.multi_head(naive.below(weights, "final.video."), v, a, heads))
        close(result.u[row], sum(np.max(tokens, axis=0) for tokens in (told_a, told_v) if len(tokens)))


def test_avt_ca_without_either_is_refused():
    with pytest.raises(ConfigurationError, match="fuses nothing"):
        fusion("avt-ca", **WIDTHS, transformer_heads=None, cross_heads=None)


def test_the_own_attention_of_avt_ca_is_what_is_added():
    """With values of 0 in the shared projections the two readings of `o_self` agree; with others they do not."""
    numbers = {"feed_forward_width": 6, "dropout": 0.0}
    block, attention = pair("avt-ca", numbers, own="attention")
    assert (fused(block).u - fused(attention).u).abs().max() > 1e-3
    for module in (block, attention):
        for side in (module.cross_self.audio, module.cross_self.video):
            torch.nn.init.zeros_(side.value.weight)
    same(fused(block).u, fused(attention).u)


@pytest.mark.parametrize(("side", "other"), [("audio", "video"), ("video", "audio")])
def test_attsf_without_the_auxiliary_module_of_one_modality(side, other):
    halves = {"audio": slice(0, D), "video": slice(D, 2 * D)}
    whole, part = pair("attsf-gat", ATTSF, **{f"{side}_auxiliary": False})
    gone = names(whole) - names(part)
    assert gone == {f"avam_{side}", f"join_{side}", f"{side}_head"}
    before, after = fused(whole), fused(part)
    assert before.branches.keys() - after.branches.keys() == {f"{side}_logits"}
    assert after.gate.keys() == {f"{other}_multimodal"}
    same(after.u[:, halves[side]], before.branches[side])
    same(after.u[:, halves[other]], before.u[:, halves[other]])


def test_attsf_without_its_token():
    whole, part = pair("attsf", ATTSF, sab_layers=0)
    assert names(whole) - names(part) == {"token", "sab"}
    assert fused(whole).branches.keys() - fused(part).branches.keys() == {"token"}
    same(fused(part).logits, fused(whole).logits)


def test_attsf_without_cross_multimodal_blocks():
    whole, part = pair("attsf", ATTSF, cmb_layers=0)
    assert names(whole) - names(part) == {"cmb"}
    audio, audio_mask, _, _ = batch()
    with torch.no_grad():
        same(fused(part).branches["audio"], masked_mean(*part.enter_audio(audio, audio_mask)))
    same(fused(part).branches["audio_logits"], fused(whole).branches["audio_logits"])


def test_attsf_without_fusion_of_main_and_auxiliary():
    whole, part = pair("attsf", ATTSF, join=None)
    said, whole_said = fused(part), fused(whole)
    same(said.u, torch.cat([said.branches["audio"], said.branches["video"]], dim=1))
    same(said.branches["audio_logits"], whole_said.branches["audio_logits"])


def test_text_enters_attsf_at_the_concatenation():
    module = randomised(fusion("attsf", **WIDTHS, **ATTSF, text_width=3))
    text = torch.randn(len(utterances()), 3, dtype=torch.float64).requires_grad_()
    said = module.fuse(*batch(), text=text)
    same(said.u[:, 2 * D :], text)
    torch.autograd.backward(said.logits.square().sum())
    assert text.grad.abs().min() > 0
    silent = fused(module)
    assert silent.u.shape == said.u.shape
    same(silent.logits, fused(module, text=torch.zeros_like(text)).logits)
    same(silent.u[:, : 2 * D], said.u[:, : 2 * D].detach())


def test_text_of_another_width_is_refused():
    text = torch.zeros(len(utterances()), 3).double()
    for width in (0, 2):
        module = randomised(fusion("attsf", **WIDTHS, **ATTSF, text_width=width))
        with pytest.raises(ConfigurationError, match=f"text_width is {width}"):
            fused(module, text=text)


RJCA = {"hidden": 3, "lstm_layers": 1, "inner_width": 3}


def test_recursions_of_rjca():
    """The second recursion has weights of its own, and what it adds is what its own attention says."""
    twice, once = pair("rjca", RJCA, recursions=1)
    assert (len(twice.crossing.steps), len(once.crossing.steps)) == (2, 1)
    assert (fused(twice).u - fused(once).u).abs().max() > 1e-3
    for side in (twice.crossing.steps[1].audio, twice.crossing.steps[1].video):
        torch.nn.init.zeros_(side.widen.weight)
    same(fused(twice).u, fused(once).u)


def test_causal_rjca_reads_forward():
    module = randomised(fusion("rjca", **WIDTHS, **RJCA, causal=True))
    assert not any("reverse" in name for name in module.state_dict())
    clips = torch.randn(1, 5, D, dtype=torch.float64)
    later = clips.clone()
    later[:, 3:] += 1
    mask = torch.ones(1, 5, dtype=torch.bool)
    for read in module.before:
        same(read(clips, mask)[:, :3], read(later, mask)[:, :3])
    both = randomised(fusion("rjca", **WIDTHS, **RJCA))
    assert (both.before[0](clips, mask)[:, :3] - both.before[0](later, mask)[:, :3]).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["ca+dca", "tca+dca", "jca+dca", "rjca+dca"])
def test_temperature_of_the_gate(name):
    """Hot, both count alike; cold, each clip takes one of the two."""
    numbers = RJCA if name.startswith("rjca") else {}
    spread = {}
    for temperature in (1e6, 0.1, 1e-6):
        module = randomised(fusion(name, **WIDTHS, **numbers, temperature=temperature))
        weight = fused(module).gate["audio_attended"][:2]
        spread[temperature] = (weight - 0.5).abs()
        if temperature == 1e-6:
            # The mean over 5 clips of ones and zeros, and over 3.
            same(weight * torch.tensor([5.0, 3.0]), (weight * torch.tensor([5.0, 3.0])).round(), atol=1e-6)
    assert spread[1e6].max() < 1e-4
    assert spread[0.1].max() > 1e-2


@pytest.mark.parametrize("name", ["ca", "tca", "jca", "rjca"])
def test_the_gate_is_an_option(name):
    plain = fusion(name, **WIDTHS)
    gated = fusion(f"{name}+dca", **WIDTHS)
    assert names(gated) - names(plain) == {"gates"}
