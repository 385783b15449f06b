"""The table of this experiment, as text and as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from engine.training.evidence.measure import Measured
from engine.training.evidence.recipe import Recipe


def as_json(recipe: Recipe, chosen: Mapping[int, str], measured: Measured) -> str:
    """Everything, with the settings that were chosen."""
    said = {"recipe": asdict(recipe), "chosen": chosen, "measured": asdict(measured)}
    return json.dumps(said, indent=1, allow_nan=False) + "\n"


def as_markdown(measured: Measured) -> str:
    """Weighted F1 with 95 % intervals by dialogue, and what history is worth."""
    lines = ["| | weighted F1 | macro F1 |", "|---|---|---|"]
    lines += [f"| {row.name} | {row.weighted_f1} | {row.macro_f1:.3f} |" for row in measured.rows]
    for name, seeds in (("single turn", measured.control_seeds), ("causal", measured.seeds)):
        lines.append(f"| {name}, one of {len(seeds)} seeds | {np.mean(seeds):.3f} ± {np.std(seeds, ddof=1):.3f} | |")
    return "\n".join(
        [
            *lines,
            "",
            f"Gain of the causal ensemble over the single turns' {measured.over_control}, over the linear front"
            f" {measured.over_linear}.",
        ]
    )
