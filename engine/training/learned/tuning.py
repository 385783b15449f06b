"""Tuning: one temperature and one abstention line over dialogues that nothing was learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calibration import (
    fit_temperature,
    probabilities,
    risk_coverage,
    threshold_at_coverage,
    threshold_at_risk,
)
from engine.decision import Decision
from engine.errors import ConfigurationError
from engine.fusion.builders import AnyFusion
from engine.training.corpora.base import Dialogue
from engine.training.learned.dialogues import predict
from engine.training.material.batches import Assembler
from engine.training.recipe import Calibration
from engine.training.scoring.scores import abstained, score

DEV = {"part": "dev"}
"""What a row of figures says of turns by which something was chosen."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found, and what it makes of the dialogues it was found on."""

    temperature: float
    abstain_below: float
    chosen: Calibration
    """What the line was chosen by."""
    metrics: Mapping[str, dict[str, Any]]
    """Scores by condition, the ECE before, the share of turns answered and of errors among them."""
    chances: Mapping[str, NDArray[np.float64]]
    """`[N, 7]` by condition."""
    labels: Mapping[str, NDArray[np.int64]]
    """`[N]` by condition."""

    def as_config(self) -> dict[str, float]:
        """What a checkpoint's configuration says of it."""
        by = self.chosen.model_dump(exclude_none=True)
        return {"temperature": self.temperature, "abstain_below": self.abstain_below, **by}


def tune(
    fusion: AnyFusion,
    decision: Decision,
    conditions: Mapping[str, Sequence[Dialogue]],
    using: Assembler,
    *,
    chosen: Calibration,
) -> Tuned:
    """One temperature for all conditions together, and one line of confidence that does for each what was chosen.

    Raises `ConfigurationError`: no line keeps the errors as few as it asks.
    """
    found = {name: predict(fusion, decision, some, using)[1:] for name, some in conditions.items()}
    labels = {name: truth for name, (_, truth) in found.items()}
    logits = np.concatenate([raw for raw, _ in found.values()])
    temperature = fit_temperature(logits, np.concatenate(list(labels.values())))
    chances = {name: probabilities(raw, temperature=temperature) for name, (raw, _) in found.items()}
    line = _line(chances, labels, chosen)
    metrics = {}
    for name, (raw, truth) in found.items():
        before = score(truth, probabilities(raw, temperature=1.0)).ece
        kept = abstained(truth, chances[name], below=line)
        metrics[name] = asdict(score(truth, chances[name])) | DEV | {"ece_before": before} | asdict(kept)
    return Tuned(temperature, line, chosen, metrics, chances, labels)


def _line(
    chances: Mapping[str, NDArray[np.float64]], labels: Mapping[str, NDArray[np.int64]], chosen: Calibration
) -> float:
    if chosen.coverage is not None:
        return threshold_at_coverage(list(chances.values()), coverage=chosen.coverage)
    risk = chosen.risk or 0.0
    line = threshold_at_risk([(chances[name], truth) for name, truth in labels.items()], risk=risk)
    if line is None:
        best = {name: risk_coverage(chances[name], truth)[1].min() for name, truth in labels.items()}
        alone = ", ".join(f"{name} {least:.3f}" for name, least in best.items())
        raise ConfigurationError(
            f"[calibration] risk = {risk}: no confidence keeps the errors of every kind of dev turns so few (at best, "
            f"each alone: {alone}); allow more, or say coverage instead: the stages stand and are not made again"
        )
    return line
