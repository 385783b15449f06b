"""Sound of any rate and any channels, piece by piece, as 16-bit samples at the engine's rate."""

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from engine.signals import SAMPLE_RATE_HZ

_MOST_CHANNELS = 8


class Resampler:
    """One stream's way to `SAMPLE_RATE_HZ`, its channels kept apart: the same samples however it is cut into pieces."""

    def __init__(self, *, channels: int) -> None:
        self.channels = min(channels, _MOST_CHANNELS)
        self._resampler = av.AudioResampler(format="s16p", layout=f"{self.channels}C", rate=SAMPLE_RATE_HZ)

    def feed(self, frame: AudioFrame | None) -> NDArray[np.int16]:
        """What the next frame brings, `[C, N]`; None is the end and gives what was held back."""
        if frame is not None:
            frame.pts = None
        parts = [part.to_ndarray() for part in self._resampler.resample(frame)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((self.channels, 0), dtype=np.int16)
