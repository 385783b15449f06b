"""Valence and arousal of a checkpoint that learns on: by regression where the new corpus is rated, else by the map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from engine.errors import ConfigurationError
from engine.fusion.affect import WithAffect
from engine.fusion.builders import AnyFusion
from engine.training.corpora.base import Dialogue
from engine.training.scoring.affect import FEWEST_TO_LEARN, rated


def is_rated(learned: Sequence[Dialogue], source: Path) -> bool:
    """Whether valence and arousal are learned from these dialogues of a manifest: some of their turns are rated.

    Raises `ConfigurationError`: so few that nothing could be learned of them.
    """
    known = rated(learned)
    if 0 < known < FEWEST_TO_LEARN:
        raise ConfigurationError(
            f"{source} rates valence and arousal of {known} of the turns to learn from, and to learn them takes"
            f" {FEWEST_TO_LEARN}: rate more, or leave the two columns out"
        )
    return known > 0


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
