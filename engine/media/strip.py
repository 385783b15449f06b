"""The film strip of a segment: small grey frames, close enough in time to see a mouth move."""

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.errors import BadMedia
from engine.media.base import Limits


class Strip:
    """Keeps frames no closer than `strip_rate_hz`, and at most `strip_most`: with more, every second is dropped.

    So a long segment has a slower strip, and its cost does not grow.
    """

    def __init__(self, *, limits: Limits) -> None:
        self._most = limits.strip_most
        self._side_most_px = limits.strip_side_most_px
        self._step_s = 1.0 / limits.strip_rate_hz
        self._kept: list[tuple[float, NDArray[np.uint8]]] = []
        self._due_s = -np.inf
        self._taken = 0
        self._stride = 1

    def add(self, frame: VideoFrame) -> None:
        """Take the next frame, if its time has come."""
        # Times are rounded to the container's clock: a frame may come a little before it is due.
        if frame.time is None or frame.time < self._due_s - self._step_s / 4:
            return
        on_time = frame.time < self._due_s + self._step_s / 2
        self._due_s = (self._due_s if on_time else frame.time) + self._step_s
        if self._taken % self._stride == 0:
            self._kept.append((frame.time, self._grey(frame)))
        self._taken += 1
        if len(self._kept) > self._most:
            self._kept = self._kept[::2]
            self._stride *= 2

    def frames(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]] | None:
        """Frames `[M, h, w]` and their times `[M]`; None where no frame said when it is shown."""
        if not self._kept:
            return None
        return np.stack([grey for _, grey in self._kept]), np.array([time_s for time_s, _ in self._kept])

    def _grey(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Brightness, upright; a stream that changes its size keeps that of its first frame."""
        quarter_turns = round(frame.rotation / 90) % 4
        if self._kept:
            upright = self._kept[0][1].shape
            height, width = upright if quarter_turns % 2 == 0 else upright[::-1]
        else:
            scale = min(1.0, self._side_most_px / max(frame.width, frame.height))
            width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
        try:
            pixels = frame.reformat(width=width, height=height, format="gray", threads=1).to_ndarray()
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise BadMedia(f"frames that cannot be converted to grey: {error}") from error
        return np.ascontiguousarray(np.rot90(pixels.astype(np.uint8, copy=False), quarter_turns))
