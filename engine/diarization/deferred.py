"""A pipeline that is built when the first voice needs it."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from engine.diarization.local import SegmentVoices, Separator
from engine.signals import Span, Waveform


class Deferred:
    """Its imports cost seconds and most of a gigabyte, and segments that name their speaker need none of it."""

    def __init__(self, *, build: Callable[[], Separator]) -> None:
        self._build = build
        self._lock = Lock()
        self._built: Separator | None = None

    def separate(
        self, audio: Waveform, speech: Sequence[Span], *, known: Mapping[str, NDArray[np.float32]]
    ) -> SegmentVoices:
        """As the pipeline behind it."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
        return self._built.separate(audio, speech, known=known)
