"""ATTSF-Net against golden values computed by naive loops: CMB, SAB, the losses, the ways to join."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.fusion.attsf_blocks import CrossMultimodal, SimilarityAdjusting
from engine.fusion.attsf_join import joining
from engine.fusion.base import Fused
from engine.fusion.losses import attsf_loss, similarity, symmetric_divergence

FILE = Path(__file__).parents[2] / "../shared/data/golden/attsf.npz"
SIZES = {"width": 8, "heads": 2, "feed_forward_width": 12, "dropout": 0.0}
close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no golden values at {FILE}")


@pytest.fixture(scope="module")
def values() -> dict[str, torch.Tensor]:
    with np.load(FILE, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def block_weights(values, ours: str, theirs: str) -> dict[str, torch.Tensor]:
    """A transformer block's weights and those of the LayerNorm before it."""
    named = {f"{ours}norm.weight": values[f"{theirs}.ln1.g"], f"{ours}norm.bias": values[f"{theirs}.ln1.b"]}
    for name, letter in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
        named[f"{ours}block.attention.{name}.weight"] = values[f"{theirs}.mh.W{letter}"]
        named[f"{ours}block.attention.{name}.bias"] = values[f"{theirs}.mh.b{letter}"]
    for name, number in (("attention_norm", 2), ("feed_forward_norm", 3)):
        named[f"{ours}block.{name}.weight"] = values[f"{theirs}.ln{number}.g"]
        named[f"{ours}block.{name}.bias"] = values[f"{theirs}.ln{number}.b"]
    for name, number in (("widen", 1), ("narrow", 2)):
        named[f"{ours}block.{name}.weight"] = values[f"{theirs}.W{number}"]
        named[f"{ours}block.{name}.bias"] = values[f"{theirs}.b{number}"]
    return named


def asking_weights(values, ours: str, theirs: str) -> dict[str, torch.Tensor]:
    return {
        f"{ours}.{name}.weight": values[f"{theirs}.W{letter}"]
        for name, letter in (("query", "q"), ("key", "k"), ("value", "v"))
    }


def cmb(values, name: str) -> CrossMultimodal:
    module = CrossMultimodal(**SIZES).double().eval()
    weights = {}
    for side, letters in (("audio", "av"), ("video", "va")):
        weights |= asking_weights(values, f"{side}.ask", f"{name}.{letters}.att")
        weights |= block_weights(values, f"{side}.", f"{name}.{letters}")
    module.load_state_dict(weights)
    return module


def everything(values) -> torch.Tensor:
    return torch.ones(values["x_a"].shape[:2], dtype=torch.bool)


def test_two_layers_of_cross_multimodal_blocks(values):
    real = everything(values)
    audio, video = cmb(values, "cmb")(values["x_a"], real, values["x_v"], real)
    close(audio, values["cmb.av.out"])
    close(video, values["cmb.va.out"])
    audio, video = cmb(values, "cmb2")(audio, real, video, real)
    close(audio, values["cmb2.av.out"])
    close(video, values["cmb2.va.out"])


def test_similarity_adjusting_block(values):
    module = SimilarityAdjusting(**SIZES).double().eval()
    weights = block_weights(values, "", "sab")
    for side in ("audio", "video"):
        weights |= asking_weights(values, side, f"sab.{side}")
    module.load_state_dict(weights)
    real = everything(values)
    token = values["token"].expand(3, 1, -1)
    close(module(token, values["x_a"], real, values["x_v"], real), values["sab.out"])


def test_similarity_over_features(values):
    main, token = values["pool.a"], values["pool.learn"]
    close(symmetric_divergence(main, token, dim=1), values["kl.L_al"])
    close(symmetric_divergence(values["pool.v"], token, dim=1), values["kl.L_vl"])
    both = [similarity(values[f"pool.{m}"], token, over="features", least_variance=0.0) for m in "av"]
    close(0.5 * (both[0] + both[1]), values["kl.L_sim"])


def test_similarity_over_the_batch(values):
    for side in "av":
        found = symmetric_divergence(values[f"pool.{side}"], values["pool.learn"], dim=0)
        close(found, values[f"kl.batch_{side}l"])


def test_the_whole_loss(values):
    present = torch.ones(3, dtype=torch.bool)
    branches = {"audio": values["pool.a"], "video": values["pool.v"], "token": values["pool.learn"]}
    branches |= {"audio_logits": values["loss.logits_a"], "video_logits": values["loss.logits_v"]}
    total = attsf_loss(
        Fused(u=values["pool.a"], v=values["pool.v"], logits=values["loss.logits_av"], branches=branches),
        values["loss.target"].long(),
        audio_present=present, video_present=present, over="features", least_variance=0.0,
    )  # fmt: skip
    close(total, values["loss.L_total"])


@pytest.mark.parametrize("name", ["sum", "l2", "gat"])
def test_the_ways_to_join(values, name):
    join = joining(name, width=8).double()
    if name == "gat":
        join.load_state_dict({"weigh.weight": values["fuse.gat.W"], "weigh.bias": values["fuse.gat.b"]})
    feature, weight = join(values["fuse.main"], values["fuse.aux"])
    close(feature, values[f"fuse.{name}"])
    if name == "l2":
        close(weight, values["fuse.l2_weights"][:, 0])
    if name == "gat":
        close(weight, values["fuse.gat_weights"][:, 1])
