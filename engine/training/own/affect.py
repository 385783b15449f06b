"""Valence and arousal of a checkpoint that learns on: by regression where the new corpus is rated, else by the map."""

from collections.abc import Mapping
from typing import Any, cast

import torch

from engine.fusion.affect import WithAffect
from engine.fusion.builders import AnyFusion


def saying_affect(fusion: AnyFusion, *, rated: bool, seed: int) -> AnyFusion:
    """The same fusion, with a head for valence and arousal where the corpus is rated, without one where it is not.

    A head that is there learns on; a new one begins from the seed. One that nobody teaches while the vectors that it
    reads change would say what nobody meant.
    """
    if isinstance(fusion, WithAffect):
        return fusion if rated else cast(AnyFusion, fusion.fusion)
    if not rated:
        return fusion
    torch.manual_seed(seed)
    return WithAffect(fusion, dropout=fusion.dropout.p)


def described(config: Mapping[str, Any], *, rated: bool) -> dict[str, Any]:
    """What a checkpoint's configuration says of it, `fusion` and `affect`."""
    numbers = {name: number for name, number in config["fusion"].items() if name != "affect"}
    return {
        "fusion": numbers | ({"affect": True} if rated else {}),
        "affect": {"source": "regression" if rated else "circumplex"},
    }
