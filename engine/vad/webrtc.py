"""WebRTC's voice activity detector: short frames judged one by one, made into spans by hysteresis."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from engine.signals import SAMPLE_RATE_HZ, Span, Waveform
from engine.vad.spans import bridge, pad


class WebrtcDetector:
    """Speech by WebRTC's Gaussian mixtures, a fresh detector for each call: its adaptive state cannot be read.

    Args:
        aggressiveness: 0 (lets most pass) to 3 (strictest).
        frame_ms: 10, 20 or 30.
        window_s: how much is looked at to start or to end speech.
        start_share: speech starts where at least this share of a window is voiced.
        end_share: and ends where at most this share of it still is.
        padding_s: added before and after.
        gap_s: pauses shorter than this are bridged.
        shortest_s: less speech than this, before padding, is none.
        floor_dbfs: quieter frames are never voice.
        steady_db: a stretch whose frames differ less than this in level (standard deviation) is a tone, a hum or noise,
            which the mixtures take for voice; words rise and fall by several times as much.
    """

    def __init__(
        self,
        *,
        aggressiveness: int = 2,
        frame_ms: int = 30,
        window_s: float = 0.3,
        start_share: float = 0.7,
        end_share: float = 0.2,
        padding_s: float = 0.1,
        gap_s: float = 0.3,
        shortest_s: float = 0.15,
        floor_dbfs: float = -60.0,
        steady_db: float = 1.5,
    ) -> None:
        self._aggressiveness = aggressiveness
        self._frame = SAMPLE_RATE_HZ * frame_ms // 1000
        self._window = max(1, round(window_s * 1000 / frame_ms))
        self._start_share = start_share
        self._end_share = end_share
        self._padding_s = padding_s
        self._gap_s = gap_s
        self._shortest_s = shortest_s
        self._floor_db = floor_dbfs
        self._steady_db = steady_db

    def detect(self, audio: Waveform) -> Sequence[Span]:
        """Spans of speech; see `VoiceActivityDetector.detect`."""
        frames = self._frames(audio)
        level_db = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)
        voiced = self._voiced(frames) & (level_db >= self._floor_db)
        runs = [
            Span(start * self._frame / SAMPLE_RATE_HZ, end * self._frame / SAMPLE_RATE_HZ)
            for start, end in self._runs(voiced)
            if level_db[start:end].std() >= self._steady_db
        ]
        kept = [span for span in bridge(runs, gap_s=self._gap_s) if span.duration_s >= self._shortest_s]
        return pad(kept, padding_s=self._padding_s, duration_s=len(audio) / SAMPLE_RATE_HZ)

    def _frames(self, audio: Waveform) -> Waveform:
        """`[F, frame]`, whole frames only."""
        count = len(audio) // self._frame
        return audio[: count * self._frame].reshape(count, self._frame)

    def _voiced(self, frames: Waveform) -> NDArray[np.bool_]:
        """`[F]`, one decision a frame."""
        detector = webrtcvad.Vad(self._aggressiveness)
        pcm = np.rint(np.clip(frames, -1.0, 1.0) * 32767).astype("<i2")
        return np.array([detector.is_speech(frame.tobytes(), SAMPLE_RATE_HZ) for frame in pcm], dtype=bool)

    def _runs(self, voiced: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
        """First frame and frame after the last of each stretch of speech.

        A window slides over the frames; speech starts at the first voiced frame of a window that is voiced enough and
        ends after the last voiced frame of one that is hardly voiced any more.
        """
        start: int | None = None
        window = self._window
        for end in range(1, len(voiced) + 1):
            begin = max(0, end - window)
            count = int(voiced[begin:end].sum())
            if start is None and count >= math.ceil(self._start_share * window):
                start = begin + int(voiced[begin:end].argmax())
            elif start is not None and end - start >= window and count <= self._end_share * window:
                yield start, self._last_voiced(voiced, end)
                start = None
        if start is not None:
            yield start, self._last_voiced(voiced, len(voiced))

    @staticmethod
    def _last_voiced(voiced: NDArray[np.bool_], end: int) -> int:
        return int(np.flatnonzero(voiced[:end])[-1]) + 1
