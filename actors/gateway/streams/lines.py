"""The two sides of a telephone call, side by side: mu-law that comes a track at a time, given out interleaved."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.ingest.timeline import Timeline, sound_timeline

RATE_HZ = 8000
_SILENCE = b"\xff"
_LAG_S = 0.3
"""A track that is further behind the other than this is taken to be silent; what of it comes later is too late."""


@dataclass(slots=True)
class _Line:
    clock: Timeline = field(default_factory=lambda: sound_timeline(0.0))
    held: bytearray = field(default_factory=bytearray)
    """What came after everything that was given out."""


class Lines:
    """Tracks of one stream, placed by their time stamps.

    Args:
        tracks: their names, in the order in which they are interleaved.
    """

    def __init__(self, *, tracks: Sequence[str]) -> None:
        self._lines = {track: _Line() for track in tracks}
        self._given = 0
        self.late = 0
        """Samples that came too late and were left out."""

    def put(self, track: str, data: bytes, *, stamp_s: float) -> bytes:
        """What is complete with the next mu-law bytes of a track, stamped with when they begin; a byte a track."""
        line = self._lines[track]
        start = round(line.clock.place(stamp_s, lasts_s=len(data) / RATE_HZ) * RATE_HZ)
        end = self._given + len(line.held)
        if start > end:
            line.held += _SILENCE * (start - end)
        elif start < end:
            self.late += min(len(data), end - start)
            data = data[end - start :]
        line.held += data
        ends = [len(line.held) for line in self._lines.values()]
        return self._give(max(min(ends), max(ends) - round(_LAG_S * RATE_HZ)))

    def finish(self) -> bytes:
        """What was held back; the shorter track goes on in silence."""
        return self._give(max(len(line.held) for line in self._lines.values()))

    def _give(self, samples: int) -> bytes:
        parts = []
        for line in self._lines.values():
            part = bytes(line.held[:samples]).ljust(samples, _SILENCE)
            del line.held[:samples]
            parts.append(np.frombuffer(part, dtype=np.uint8))
        self._given += samples
        return np.stack(parts, axis=1).tobytes()
