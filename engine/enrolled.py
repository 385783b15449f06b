"""The enrolled voices as a worker has them at hand: read when the first is asked for, and again when they are old."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from engine.clock import Clock
from engine.diarization.base import Enrolled
from engine.errors import ConfigurationError
from engine.state.voices import VoiceStore

REFRESH_S = 10.0
"""An enrolment and a deletion are heeded after so long at the latest."""


@dataclass(frozen=True, slots=True)
class Known:
    """Who is known by name."""

    centroids: Enrolled = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    """Of those for whom one was stated."""


class EnrolledVoices:
    """The voices of a store for one embedding model; threads may share it.

    store: None where voices are not looked for. embedding: the id of the model whose embeddings they are compared with.
    """

    def __init__(self, *, store: VoiceStore | None, embedding: str, clock: Clock) -> None:
        self._store = store
        self._embedding = embedding
        self._clock = clock
        self._lock = Lock()
        self._known = Known()
        self._read_at_s: float | None = None

    def current(self) -> Known:
        """The voices as they were at most `REFRESH_S` ago.

        Raises `ConfigurationError` where one was learned with another embedding model, and what the store raises.
        """
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._store is not None and (self._read_at_s is None or now_s - self._read_at_s >= REFRESH_S):
                self._known = self._read(self._store)
                self._read_at_s = now_s
            return self._known

    def _read(self, store: VoiceStore) -> Known:
        voices = store.voices()
        foreign = [voice for voice in voices if voice.embedding != self._embedding]
        if foreign:
            raise ConfigurationError(
                f"{len(foreign)} of {len(voices)} enrolled voices were learned with the embedding model "
                f"{foreign[0].embedding}, and this is {self._embedding}: they cannot be compared; see "
                "`turntone enroll --list`, then enrol them again or delete them"
            )
        return Known(
            centroids={voice.name: np.frombuffer(voice.centroid, dtype="<f4") for voice in voices},
            roles={voice.name: voice.role for voice in voices if voice.role is not None},
        )
