"""Tuning: one temperature and one abstention line over dialogues that nothing was learned from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.calibration import abstention_threshold, fit_temperature, probabilities
from engine.decision import Decision
from engine.fusion.builders import AnyFusion
from engine.training.batches import Assembler
from engine.training.corpora.base import Dialogue
from engine.training.dialogues import predict
from engine.training.scores import score


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was found, and what it makes of the dialogues it was found on."""

    temperature: float
    abstain_below: float
    metrics: Mapping[str, dict[str, Any]]
    """Scores by condition, the ECE before, and the share of turns answered."""
    chances: Mapping[str, NDArray[np.float64]]
    """`[N, 7]` by condition."""
    labels: Mapping[str, NDArray[np.int64]]
    """`[N]` by condition."""


def tune(
    fusion: AnyFusion,
    decision: Decision,
    conditions: Mapping[str, Sequence[Dialogue]],
    using: Assembler,
    *,
    coverage: float,
) -> Tuned:
    """One temperature for all conditions together, and the highest line that answers `coverage` of each."""
    found = {name: predict(fusion, decision, some, using)[1:] for name, some in conditions.items()}
    labels = {name: truth for name, (_, truth) in found.items()}
    logits = np.concatenate([raw for raw, _ in found.values()])
    temperature = fit_temperature(logits, np.concatenate(list(labels.values())))
    chances = {name: probabilities(raw, temperature=temperature) for name, (raw, _) in found.items()}
    line = abstention_threshold(list(chances.values()), coverage=coverage)
    metrics = {}
    for name, (raw, truth) in found.items():
        before = score(truth, probabilities(raw, temperature=1.0)).ece
        answered = float((chances[name].max(axis=1) >= line).mean())
        metrics[name] = asdict(score(truth, chances[name])) | {"ece_before": before, "answered": answered}
    return Tuned(temperature, line, metrics, chances, labels)
