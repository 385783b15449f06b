"""Who is compared, and how large: one small, equal setting for all models, none of them their paper's size."""

from collections.abc import Mapping
from typing import Any

from engine.fusion.builders import NAMES, AnyFusion, fusion
from engine.training.comparison.linear import Linear
from engine.training.comparison.task import Task

Contender = AnyFusion | Linear

LINEAR = "linear"
MODELS = (LINEAR, *NAMES)
"""The plain reference, and every fusion model."""
FAMILIES = ("ca", "tca", "jca", "rjca")
"""Those that come with and without the gate of dynamic cross-attention."""
GATED = tuple(f"{family}{gate}" for family in FAMILIES for gate in ("", "+dca"))

_WIDTH, _HEADS, _FEED_FORWARD, _LENGTH, _DROPOUT = 64, 4, 128, 24, 0.2
_SHARED: Mapping[str, Any] = {"width": _WIDTH, "dropout": _DROPOUT}
_ATTSF: Mapping[str, Any] = {
    **_SHARED,
    "length": _LENGTH,
    "heads": _HEADS,
    "feed_forward_width": _FEED_FORWARD,
    "avam_feed_forward_width": _FEED_FORWARD,
    "cmb_layers": 2,
    "sab_layers": 2,
    "avam_layers": 1,
}
NUMBERS: Mapping[str, Mapping[str, Any]] = {
    LINEAR: {},
    "avafn": {**_SHARED, "feed_forward_width": _FEED_FORWARD},
    "avt-ca": {
        **_SHARED,
        "feed_forward_width": _FEED_FORWARD,
        "transformer_heads": _HEADS,
        "cross_heads": _HEADS,
    },
    "attsf": _ATTSF,
    "attsf-l2": _ATTSF,
    "attsf-gat": _ATTSF,
    "ca": _SHARED,
    "tca": {**_SHARED, "heads": _HEADS, "feed_forward_width": _FEED_FORWARD},
    "jca": {**_SHARED, "inner_width": 32},
    "rjca": {**_SHARED, "inner_width": 32, "hidden": _WIDTH // 2, "lstm_layers": 1, "recursions": 2},
}
"""By family."""


def numbers(name: str, task: Task) -> dict[str, Any]:
    """The flat numbers of a model on a task; ATTSF-Net's time axis is no longer than the longest sequence."""
    chosen = dict(NUMBERS[name.partition("+")[0]])
    if "length" in chosen:
        longest = max(int(tokens.mask.sum(dim=1).max()) for tokens in (task.audio, task.video))
        chosen["length"] = min(_LENGTH, longest)
    return chosen


def build(name: str, chosen: Mapping[str, Any], task: Task) -> Contender:
    """A fresh model of these numbers; where numbers are asked for, DCA's family says them in [-1, 1], others freely."""
    audio_width, video_width = task.audio.values.shape[-1], task.video.values.shape[-1]
    if name == LINEAR:
        return Linear(audio_width=audio_width, video_width=video_width, classes=task.outputs)
    given = {**chosen, "regression": True} if task.regression and name in GATED else chosen
    return fusion(name, audio_width=audio_width, video_width=video_width, classes=task.outputs, **given)
