"""CA, TCA, JCA, RJCA and their gate against golden values computed by naive loops; concordance as well."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.fusion.ca import CrossAttention
from engine.fusion.gate import Gate
from engine.fusion.jca import JointCrossAttention, RecursiveCrossAttention
from engine.fusion.losses import concordance, concordance_loss
from engine.fusion.tca import TransformerCrossAttention

FILE = Path(__file__).parents[2] / "../shared/data/golden/dca.npz"
close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no golden values at {FILE}")


@pytest.fixture(scope="module")
def values() -> dict[str, torch.Tensor]:
    with np.load(FILE, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def joint_weights(values, theirs: str, ours: str = "") -> dict[str, torch.Tensor]:
    named = {}
    for side, letter in (("audio", "a"), ("video", "v")):
        for name, key in (("correlate", "Wj"), ("narrow", "Wc"), ("widen", "Wh")):
            named[f"{ours}{side}.{name}.weight"] = values[f"{theirs}.{key}_{letter}"]
    return named


def transformer_weights(values) -> dict[str, torch.Tensor]:
    named = {}
    for side, letter in (("audio", "a"), ("video", "v")):
        for part, key in (("cross", "cross"), ("block.attention", "self")):
            for name, letter_of in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
                named[f"{side}.{part}.{name}.weight"] = values[f"tca.{letter}.{key}.W{letter_of}"]
                named[f"{side}.{part}.{name}.bias"] = values[f"tca.{letter}.{key}.b{letter_of}"]
        for name, number in (("norm", 1), ("block.attention_norm", 2), ("block.feed_forward_norm", 3)):
            named[f"{side}.{name}.weight"] = values[f"tca.{letter}.ln{number}.g"]
            named[f"{side}.{name}.bias"] = values[f"tca.{letter}.ln{number}.b"]
        for name, number in (("block.widen", 1), ("block.narrow", 2)):
            named[f"{side}.{name}.weight"] = values[f"tca.{letter}.W{number}"]
            named[f"{side}.{name}.bias"] = values[f"tca.{letter}.b{number}"]
    return named


def crossing(values, name: str, prefix: str = "") -> torch.nn.Module:
    """A crossing with the weights of the file; those of `uneq.` have a narrower video."""
    video, inner, own = (4, 3, prefix) if prefix == "uneq." else (6, 4, "")
    if name == "ca":
        module = CrossAttention(audio_width=6, video_width=video).double()
        module.load_state_dict({"correlate.weight": values[f"{own}ca.W"]})
    elif name == "tca":
        module = TransformerCrossAttention(
            audio_width=6, video_width=6, heads=2, feed_forward_width=10, dropout=0.0
        ).double()
        module.load_state_dict(transformer_weights(values))
    elif name == "jca":
        module = JointCrossAttention(audio_width=6, video_width=video, inner_width=inner).double()
        module.load_state_dict(joint_weights(values, f"{own}jca"))
    else:
        module = RecursiveCrossAttention(audio_width=6, video_width=6, inner_width=4, recursions=2).double()
        module.load_state_dict(joint_weights(values, "jca", "steps.0.") | joint_weights(values, "jca2", "steps.1."))
    return module.eval()


def clips(values, prefix: str):
    """Audio, video and masks; `first3.` is the first three clips of five, the others hidden by the mask."""
    own = prefix if prefix == "uneq." else ""
    audio, video = values[f"{own}X_a"][None], values[f"{own}X_v"][None]
    mask = torch.ones(1, audio.shape[1], dtype=torch.bool)
    if prefix == "first3.":
        mask[:, 3:] = False
    return audio, mask, video, mask


CASES = [(name, prefix) for name in ("ca", "tca", "jca", "rjca") for prefix in ("", "first3.")]
CASES += [("ca", "uneq."), ("jca", "uneq.")]


@pytest.mark.parametrize(("name", "prefix"), CASES)
def test_attended_features(values, name, prefix):
    given = clips(values, prefix)
    real = given[1][0]
    for letter, found in zip("av", crossing(values, name, prefix)(*given), strict=True):
        close(found[0][real], values[f"{prefix}{name}.att_{letter}"])


@pytest.mark.parametrize(("name", "prefix"), CASES)
def test_gate(values, name, prefix):
    own = prefix if prefix == "uneq." else ""
    audio, mask, video, _ = clips(values, prefix)
    attended = crossing(values, name, prefix)(audio, mask, video, mask)
    for letter, unattended, found in (("a", audio, attended[0]), ("v", video, attended[1])):
        gate = Gate(width=unattended.shape[-1], temperature=0.1).double()
        gate.load_state_dict({"weigh.weight": values[f"{own}gate.W_{letter}"].T})
        gated, weight = gate(unattended, found, mask)
        close(gated[0][mask[0]], values[f"{prefix}{name}.gate.X_{letter}"])
        close(weight[0], values[f"{prefix}{name}.gate.G_{letter}"][:, 1].mean())


def test_concordance(values):
    close(concordance(values["ccc.pred"], values["ccc.target"]), values["ccc.value"])
    close(concordance_loss(values["ccc.pred"], values["ccc.target"]), values["ccc.loss_mean"])
