"""A pipeline that is built when the first voice needs it."""

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from engine.diarization.pyannote import SegmentVoices
from engine.signals import Waveform


class Separator(Protocol):
    """Tells the voices of one segment apart."""

    def separate(self, audio: Waveform) -> SegmentVoices:
        """Turns of local voices and an embedding of each."""
        ...


class Deferred:
    """Its imports cost seconds and most of a gigabyte, and segments that name their speaker need none of it."""

    def __init__(self, *, build: Callable[[], Separator]) -> None:
        self._build = build
        self._lock = Lock()
        self._built: Separator | None = None

    def separate(self, audio: Waveform) -> SegmentVoices:
        """As the pipeline behind it."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
        return self._built.separate(audio)
