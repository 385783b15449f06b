"""How far the last turns are from the checkpoint's training: a population stability index for voices, faces, labels."""

from collections.abc import Callable, Mapping
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from actors.metrics.increments import Increments
from engine.drift.figures import counted, kind
from engine.drift.reference import FILE, Reference, read
from engine.drift.stability import Recent, stability_index
from engine.metrics import Reading
from schemas.labels import EMOTIONS

LEAST_TURNS: Final = 200
"""Nothing is told of fewer turns: it would be chance, and it would be about somebody."""
STEP_TURNS: Final = 50
"""Nor is it told anew before so many more: from two figures one after the other, no single turn can be read."""

_LOG: Final = getLogger(__name__)
_LABELS: Final = "labels"
_Counts = NDArray[np.float64]


class Stability:
    """The index of the last turns against a checkpoint's reference; see `engine.drift.stability`.

    Features of the two modalities, each of the turns that have it, and labels of those that got one. The workers count
    how many turns fell into each bin; nothing else of a turn comes here.

    turns: how many of the last are looked at, older ones ever less; see `Recent`.
    """

    def __init__(self, reference: Reference, *, turns: int) -> None:
        expected = np.array([[reference.labels.get(label, 0) for label in EMOTIONS]], dtype=np.float64)
        self._parts = {_LABELS: _Part(expected=expected, turns=turns, read=_labels)}
        for modality, bins in reference.features.items():
            self._parts[modality] = _Part(expected=bins.counts, turns=turns, read=partial(counted, modality, bins))
        kinds = {_LABELS, *map(kind, reference.features)}
        self._increments = Increments(wanted=lambda name: name.partition(":")[0] in kinds)

    @classmethod
    def of(cls, folder: Path, *, model_id: str, turns: int) -> Self | None:
        """The index of a checkpoint; None, and a line in the log, where it has no reference.

        Raises `CheckpointError`: the reference is damaged, or another checkpoint's.
        """
        reference = read(folder, model_id=model_id)
        if reference is None:
            _LOG.warning(
                "%s has no %s: nothing is told of the drift against its training; make it with "
                "`python -m engine.training.written.reference`",
                *(folder, FILE),
            )
            return None
        return cls(reference, turns=turns)

    def update(self, readings: Mapping[str, Reading]) -> None:
        """Take the figures of every worker."""
        fresh = self._increments.take(readings)
        for part in self._parts.values():
            part.take(fresh)

    @property
    def values(self) -> Mapping[str, float]:
        """The index of `audio`, `video` and `labels`: of each of which `LEAST_TURNS` turns were seen."""
        return {name: part.value for name, part in self._parts.items() if part.value is not None}


class _Part:
    def __init__(self, *, expected: _Counts, turns: int, read: Callable[[Mapping[str, int]], _Counts]) -> None:
        self.value: float | None = None
        self._expected = expected
        self._read = read
        self._recent = Recent(like=expected, turns=turns)
        self._waiting = np.zeros_like(expected)

    def take(self, fresh: Mapping[str, int]) -> None:
        self._waiting += self._read(fresh)
        if self._waiting[0].sum() < STEP_TURNS:
            return
        self._recent.take(self._waiting)
        self._waiting = np.zeros_like(self._expected)
        if self._recent.taken >= LEAST_TURNS:
            self.value = stability_index(self._expected, self._recent.counts)


def _labels(counts: Mapping[str, int]) -> _Counts:
    return np.array([[counts.get(f"{_LABELS}:{label}", 0) for label in EMOTIONS]], dtype=np.float64)
