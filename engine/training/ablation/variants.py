"""What is taken away from AVAFN, and in which form its states run."""

from collections.abc import Mapping
from typing import Literal, get_args

from engine.dialogue.bidirectional import BidirectionalDialogue
from engine.dialogue.causal import CausalDialogue
from engine.dialogue.cells import Ablation
from engine.errors import ConfigurationError

Direction = Literal["causal", "bidirectional"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

CONTROL = "single_turn"
NO_CAM = "no_cam"
VARIANTS: Mapping[str, Ablation | None] = {
    "complete": None,
    NO_CAM: None,
    "no_acm": "no_acm",
    "no_acm_all": "no_acm_all",
    "no_ssm": "no_ssm",
    "no_ilm": "no_ilm",
    CONTROL: "single_turn",
}
"""Variants and what each asks of the dialogue's cells; `no_cam` is the fusion without its cross-attention module."""


def states(variant: str, direction: Direction, *, width: int, dropout: float) -> CausalDialogue | BidirectionalDialogue:
    """The dialogue model of a variant. Raises `ConfigurationError` for one that is not there."""
    if variant not in VARIANTS:
        raise ConfigurationError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
    form = CausalDialogue if direction == "causal" else BidirectionalDialogue
    return form(width=width, dropout=dropout, ablation=VARIANTS[variant])
