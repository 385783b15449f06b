"""Diarization as a port: who speaks in a segment, under ids that last through the dialogue."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.signals import Span, Tensors, VoiceTurn, Waveform

Enrolled = Mapping[str, NDArray[np.float32]]
"""What the voices enrolled by name sound like: a centroid `[D]` each."""

NOBODY: Enrolled = {}


@dataclass(frozen=True, slots=True)
class Merge:
    """Two ids that turned out to be one voice; from here on it has the second."""

    speaker: str
    into: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """The turns of a segment and the registry after it."""

    turns: tuple[VoiceTurn, ...]
    """In order of their start."""
    tensors: Tensors
    """The dialogue's named tensors: `centroid/<speaker>` `[D]` and what else the registry keeps, replaced by value;
    everything that is not the registry's is passed through, but for the `speaker/<id>` of who was merged."""
    merges: tuple[Merge, ...] = ()
    """In the order in which they happened; the turns have the ids after them."""


class Diarizer(Protocol):
    """State in, state out: what a voice sounds like lies in the dialogue's tensors, nowhere else."""

    def assign(
        self,
        audio: Waveform,
        speech: Sequence[Span],
        tensors: Tensors,
        *,
        speaker: str | None = None,
        taken: Set[str] = frozenset(),
        enrolled: Enrolled = NOBODY,
        most: int | None = None,
    ) -> Assignment:
        """Split a segment into turns.

        audio `[N]` at `SAMPLE_RATE_HZ`. `speaker` is the producer's word: it is trusted, one turn is returned (from the
        first speech to the last) and no voice is learned. `taken` are the names of who is known to take part: none of
        them is given to a voice that was not heard before. A voice that is one of `enrolled` has that name. `most` is
        how many voices there are at the most, where that is known; one more goes to whom it resembles most.
        """
        ...
