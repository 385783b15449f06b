"""Diarization as a port: who speaks in a segment, under ids that last through the dialogue."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from engine.signals import Span, Tensors, VoiceTurn, Waveform


@dataclass(frozen=True, slots=True)
class Assignment:
    """The turns of a segment and the registry after it."""

    turns: tuple[VoiceTurn, ...]
    """In order of their start."""
    tensors: Tensors
    """The dialogue's named tensors: `centroid/<speaker>` `[D]` and what else the registry keeps, replaced by value;
    everything that is not the registry's is passed through."""


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
    ) -> Assignment:
        """Split a segment into turns.

        audio `[N]` at `SAMPLE_RATE_HZ`. `speaker` is the producer's word: it is trusted, one turn is returned (from the
        first speech to the last) and no voice is learned. `taken` are the names of who is known to take part: none of
        them is given to a voice that was not heard before.
        """
        ...
