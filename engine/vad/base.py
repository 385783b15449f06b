"""Voice activity as a port: where in a waveform somebody speaks."""

from collections.abc import Sequence
from typing import Protocol

from engine.signals import Span, Waveform


class VoiceActivityDetector(Protocol):
    """Stateless between calls: two conversations can share one detector."""

    def detect(self, audio: Waveform) -> Sequence[Span]:
        """Speech of a mono waveform `[N]` at `SAMPLE_RATE_HZ`: spans in order, not overlapping."""
        ...
