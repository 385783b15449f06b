"""The picture of a segment: decoded frames in, a few evenly spaced RGB frames out."""

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.errors import BadMedia
from engine.media.base import Limits
from engine.signals import Frames

_HELD_PIXELS = 64_000_000
"""Pixels held at most where more than twice the wanted frames would be."""


class Picture:
    """Keeps evenly spaced frames of a stream whose length nobody knows beforehand.

    Pictures are held as they were coded, two to four times as many as are wanted: when there are too many, every second
    one is dropped and the stride doubles. Pixels are converted at the end, for the chosen frames alone.
    """

    def __init__(self, *, limits: Limits) -> None:
        self._limits = limits
        self._kept: list[tuple[float, VideoFrame]] = []
        self._stride = 1
        self._seen = 0
        self.start_s: float | None = None
        """Time of the first frame; None: there is no frame yet."""
        self.end_s = 0.0
        """When the last frame stops to be shown."""

    def add(self, frame: VideoFrame, *, shown_s: float) -> None:
        """Take the next frame, which is shown for `shown_s`. Raises `BadMedia` when there are too many."""
        time_s = self.end_s if frame.time is None else max(frame.time, self.end_s - shown_s)
        if self.start_s is None:
            time_s = self.start_s = frame.time or 0.0
        if time_s - self.start_s > self._limits.duration_most_s:
            raise BadMedia(
                f"lasts longer than {self._limits.duration_most_s:g} s (media.longest_s); cut it into utterances"
            )
        self.end_s = time_s + shown_s
        if self._seen % self._stride == 0:
            self._kept.append((time_s, frame))
        self._seen += 1
        wanted = self._limits.frames_most
        if len(self._kept) >= max(2 * wanted, min(4 * wanted, _HELD_PIXELS // (frame.width * frame.height))):
            self._kept = self._kept[::2]
            self._stride *= 2

    def sampled(self) -> tuple[Frames, NDArray[np.float64]]:
        """Frames `[F, H, W, 3]` and their times `[F]`, for F at most `frames_most`; there has to be one."""
        times = np.array([time_s for time_s, _ in self._kept])
        count = min(self._limits.frames_most, len(times))
        edges = np.linspace(times[0], self.end_s, count + 1)
        wanted = (edges[:-1] + edges[1:]) / 2
        chosen = np.unique(np.searchsorted(times, wanted, side="right") - 1)
        first = self._pixels(self._kept[chosen[0]][1], shape=None)
        frames = [first] + [self._pixels(self._kept[i][1], shape=first.shape) for i in chosen[1:]]
        return np.stack(frames), times[chosen]

    def _pixels(self, frame: VideoFrame, *, shape: tuple[int, ...] | None) -> Frames:
        """RGB, upright, within the limit; a stream that changes its size keeps that of its first frame."""
        quarter_turns = round(frame.rotation / 90) % 4
        if shape is None:
            scale = min(1.0, self._limits.side_most_px / max(frame.width, frame.height))
            width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
        else:
            height, width = shape[:2] if quarter_turns % 2 == 0 else shape[1::-1]
        try:
            pixels = frame.reformat(width=width, height=height, format="rgb24", threads=1).to_ndarray()
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise BadMedia(f"frames that cannot be converted to RGB: {error}") from error
        return np.ascontiguousarray(np.rot90(pixels.astype(np.uint8, copy=False), quarter_turns))
