"""Enrolled voices in memory, for one process."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock

from engine.clock import Clock
from schemas.voice import EnrolledVoice


class MemoryVoices:
    """A `VoiceStore` that ends with its process."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._voices: dict[str, EnrolledVoice] = {}

    def keep(self, voice: EnrolledVoice) -> None:
        """Write a voice until it expires."""
        with self._lock:
            self._voices[voice.name] = voice

    def voices(self) -> Sequence[EnrolledVoice]:
        """The voices that have not expired, by name."""
        now = datetime.fromtimestamp(self._clock.wall_s(), tz=UTC)
        with self._lock:
            self._voices = {name: voice for name, voice in self._voices.items() if not voice.expired(now)}
            return tuple(self._voices[name] for name in sorted(self._voices))

    def delete(self, name: str) -> bool:
        """Erase a voice; says whether there was one."""
        with self._lock:
            return self._voices.pop(name, None) is not None

    def close(self) -> None:
        """Nothing to free."""
