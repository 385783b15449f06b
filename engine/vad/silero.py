"""Silero's network heard forwards and backwards: speech that either direction alone is unsure of."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.layers.silero import FRAME, SileroVad
from engine.signals import SAMPLE_RATE_HZ, Span, Waveform
from engine.vad.spans import bridge, pad

_BLOCK = 1000
"""Frames (32 s) that go through the network at once, so that a long recording needs no more memory than a short one."""


class SileroDetector:
    """Speech where the mean log-odds of a waveform and of the same waveform reversed say so.

    The network hears the past only. Reversed it hears the future, its false alarms fall elsewhere, and an onset is as
    sharp as an end. So the threshold can lie far below the usual 0.5: distant talkers are kept and noise is not.

    Args:
        network: in evaluation mode; shared by any number of threads.
        threshold: probability from which a frame begins speech.
        release: and below which it ends.
        depth_db: a frame this far below the level of the speech around it (its 90th percentile) is a pause, however
            long the network's memory of a word lasts.
        gap_s: pauses shorter than this are bridged.
        shortest_s: less speech than this, before padding, is none.
        padding_s: added before and after.
    """

    def __init__(
        self,
        *,
        network: SileroVad,
        threshold: float = 0.04,
        release: float = 0.03,
        depth_db: float = 30.0,
        gap_s: float = 0.8,
        shortest_s: float = 0.15,
        padding_s: float = 0.05,
    ) -> None:
        self._network = network
        self._threshold = threshold
        self._release = release
        self._depth_db = depth_db
        self._gap_s = gap_s
        self._shortest_s = shortest_s
        self._padding_s = padding_s

    def detect(self, audio: Waveform) -> Sequence[Span]:
        """Spans of speech; see `VoiceActivityDetector.detect`."""
        if not len(audio):
            return ()
        frames = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
        speech = self._gated(self._probabilities(frames), frames)
        frame_s = FRAME / SAMPLE_RATE_HZ
        duration_s = len(audio) / SAMPLE_RATE_HZ
        runs = [Span(start * frame_s, min(end * frame_s, duration_s)) for start, end in self._runs(speech)]
        kept = [span for span in bridge(runs, gap_s=self._gap_s) if span.duration_s >= self._shortest_s]
        return pad(kept, padding_s=self._padding_s, duration_s=duration_s)

    def _probabilities(self, frames: Waveform) -> NDArray[np.float32]:
        """`[F]` of `[F, FRAME]`."""
        there_and_back = np.stack([frames.reshape(-1), frames.reshape(-1)[::-1]])
        state = self._network.silence(2)
        parts = []
        with torch.inference_mode():
            for at in range(0, there_and_back.shape[1], _BLOCK * FRAME):
                block = torch.from_numpy(there_and_back[:, at : at + _BLOCK * FRAME])
                part, state = self._network.listen(block, state)
                parts.append(torch.logit(part, eps=1e-6))
            log_odds = torch.cat(parts, dim=1)
            mean: NDArray[np.float32] = torch.sigmoid((log_odds[0] + log_odds[1].flip(0)) / 2).numpy()
        return mean

    def _gated(self, speech: NDArray[np.float32], frames: Waveform) -> NDArray[np.float32]:
        """`[F]`, zero where a frame is too quiet to belong to the speech it lies in."""
        level_db = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)
        spoken = level_db[speech >= self._threshold]
        if not len(spoken):
            return speech
        return np.where(level_db < np.percentile(spoken, 90) - self._depth_db, np.float32(0), speech)

    def _runs(self, speech: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
        """First frame and frame after the last of each stretch of speech."""
        start: int | None = None
        for index, probability in enumerate(speech):
            if start is None and probability >= self._threshold:
                start = index
            elif start is not None and probability < self._release:
                yield start, index
                start = None
        if start is not None:
            yield start, len(speech)
