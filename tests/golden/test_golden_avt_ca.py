"""AVT-CA against golden values computed by naive loops, and against the alternatives that were left."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.fusion.avt_ca import AvtCa

FILE = Path(__file__).parents[2] / "../shared/data/golden/avtca.npz"
close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no golden values at {FILE}")


def golden() -> dict[str, torch.Tensor]:
    with np.load(FILE, allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def fusion(values, **options) -> AvtCa:
    module = AvtCa(
        audio_width=8, video_width=8, width=8, feed_forward_width=32, classes=6,
        transformer_heads=2, cross_heads=2, **options,
    ).double()  # fmt: skip
    eye = torch.eye(8, dtype=torch.float64)
    weights = {"head.weight": values["fc.W"], "head.bias": values["fc.b"]}
    for side, letter in (("audio", "a"), ("video", "v")):
        weights |= {f"enter_{side}.weight": eye, f"enter_{side}.bias": torch.zeros(8).double()}
        for name, key in (("query", "Wq"), ("key", "Wk"), ("value", "Wv")):
            weights[f"transform.{side}.attention.{name}.weight"] = values[f"block.{letter}.{key}"]
            weights[f"cross_self.{side}.{name}.weight"] = values[f"xself.{letter}.{key}"]
            weights[f"final.{side}.{name}.weight"] = values[f"final.{letter}.{key}"]
        weights[f"transform.{side}.attention.out.weight"] = values[f"block.{letter}.Wo"]
        weights[f"final.{side}.out.weight"] = values[f"final.{letter}.Wo"]
        for name, key in (
            ("norm.weight", "g"),
            ("norm.bias", "b"),
            ("widen.weight", "W1"),
            ("widen.bias", "b1"),
            ("narrow.weight", "W2"),
            ("narrow.bias", "b2"),
        ):
            weights[f"transform.{side}.{name}"] = values[f"block.{letter}.{key}"]
    module.load_state_dict(weights)
    return module.eval()


def given(values):
    return values["audio"], values["audio_mask"], values["video"], values["video_mask"]


def at_real(tokens, mask):
    return tokens.masked_fill(~mask[..., None], 0)


def test_fusion_blocks():
    values = golden()
    module = fusion(values)
    audio, audio_mask, video, video_mask = given(values)
    audio, video = at_real(audio, audio_mask), at_real(video, video_mask)
    of_audio, of_video = module.transform(audio, audio_mask, video, video_mask)
    close(at_real(of_audio, audio_mask), values["block.a.out.final"])
    close(at_real(of_video, video_mask), values["block.v.out.final"])
    of_audio, of_video = module.cross_self(of_audio, audio_mask, of_video, video_mask)
    close(at_real(of_audio, audio_mask), values["xself.out.a"])
    close(at_real(of_video, video_mask), values["xself.out.v"])


def test_from_tokens_to_logits_as_the_paper_writes_it():
    values = golden()
    fused = fusion(values, paper=True).fuse(*given(values))
    close(fused.u, values["final.out.sum"])
    close(fused.logits, values["final.out.logits"])
    close(fused.logits.softmax(-1), values["final.out.P"])


def test_the_residual_that_lets_one_modality_through():
    values = golden()
    close(fusion(values).fuse(*given(values)).logits, values["alt.residual.logits"])


def test_the_other_reading_of_self():
    values = golden()
    close(fusion(values, paper=True, own="attention").fuse(*given(values)).logits, values["alt.own.logits"])
