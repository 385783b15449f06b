"""The sound of a segment: decoded frames in, one mono waveform out."""

import math

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from engine.errors import BadMedia
from engine.signals import SAMPLE_RATE_HZ, Waveform


class Sound:
    """Collects audio frames, mixed down to mono at `SAMPLE_RATE_HZ`; any layout, and it may change on the way."""

    def __init__(self, *, duration_most_s: float) -> None:
        self._duration_most_s = duration_most_s
        self._resampler: AudioResampler | None = None
        self._shape: tuple[int, str, str] | None = None
        self._blocks: list[Waveform] = []
        self._samples = 0
        self.start_s: float | None = None
        """Time of the first sample; None: there is no sample yet."""

    @property
    def samples(self) -> int:
        """How many have been collected."""
        return self._samples

    def add(self, frame: AudioFrame) -> None:
        """Take the next frame. Raises `BadMedia` when there are more than may be."""
        if self.start_s is None:
            self.start_s = frame.time or 0.0
        shape = (frame.sample_rate, frame.layout.name, frame.format.name)
        if shape != self._shape:
            self.finish()
            # The mix of several channels is scaled to fit for whole numbers only; as floats two equal ones would clip.
            self._resampler, self._shape = AudioResampler(format="s32", layout="mono", rate=SAMPLE_RATE_HZ), shape
        frame.pts = None
        self._keep(frame)

    def finish(self) -> None:
        """Take what the resampler still holds."""
        if self._resampler is not None:
            self._keep(None)
            self._resampler = None

    def waveform(self, *, from_s: float, until_s: float) -> Waveform:
        """`[N]` from one time to another; silence where it begins later, shorter where it ends earlier."""
        audio = np.concatenate(self._blocks) if self._blocks else np.zeros(0, dtype=np.float32)
        skip = round((from_s - (self.start_s or 0.0)) * SAMPLE_RATE_HZ)
        audio = audio[skip:] if skip >= 0 else np.concatenate([np.zeros(-skip, dtype=np.float32), audio])
        if math.isfinite(until_s):
            audio = audio[: max(0, round((until_s - from_s) * SAMPLE_RATE_HZ))]
        return audio

    def _keep(self, frame: AudioFrame | None) -> None:
        if self._resampler is None:
            return
        try:
            mixed = self._resampler.resample(frame)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            return  # a frame whose layout makes no sense is lost, its neighbours are not
        for block in mixed:
            samples = block.to_ndarray().reshape(-1).astype(np.float32) / 2.0**31
            self._blocks.append(samples)
            self._samples += len(samples)
        if self._samples > self._duration_most_s * SAMPLE_RATE_HZ:
            raise BadMedia(f"lasts longer than {self._duration_most_s:g} s (media.longest_s); cut it into utterances")
