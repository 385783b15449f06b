"""The voices of one segment, before anybody has a name, and the port of what tells them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.signals import Span, Waveform


@dataclass(frozen=True, slots=True)
class LocalTurn:
    """A stretch of one voice of this segment."""

    voice: int
    """Row of `SegmentVoices.embeddings`."""
    span: Span
    overlap: bool
    """Another voice speaks over part of it."""


@dataclass(frozen=True, slots=True)
class SegmentVoices:
    """Who speaks when in one segment."""

    turns: tuple[LocalTurn, ...]
    """In order of their start; where voices overlap, only the one that is heard best."""
    embeddings: NDArray[np.float32]
    """`[V, D]`, each the mean of unit vectors; a row of NaN where a voice was heard too briefly to be described."""


class Separator(Protocol):
    """Tells the voices of one segment apart."""

    def separate(
        self, audio: Waveform, speech: Sequence[Span], *, known: Mapping[str, NDArray[np.float32]]
    ) -> SegmentVoices:
        """Turns of local voices and an embedding of each.

        audio `[N]` at `SAMPLE_RATE_HZ`; `known` are the yardsticks of the voices heard before (`registry.yardsticks`),
        for those who can make use of them.
        """
        ...
