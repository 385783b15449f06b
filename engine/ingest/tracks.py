"""The tracks of one connection: each endpointed for itself, alike however the sound comes in pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.ingest.base import Heard
from engine.ingest.endpoint import Cut, Endpointer, EndpointSettings
from engine.ingest.voices import Voice, Voices
from engine.signals import SAMPLE_RATE_HZ

_BLOCK = SAMPLE_RATE_HZ // 50
"""All tracks are heard this far before any goes on, so that the order of their cuts does not depend on the pieces."""
_BRIDGED_S = 0.5
"""A gap up to this is filled with silence; after a longer one every utterance is over."""

Spoken = tuple[Cut, Voice]


@dataclass(slots=True)
class _Going:
    """An unbroken stretch of sound."""

    voices: Sequence[Voice]
    endpointers: Sequence[Endpointer]
    origin_s: float
    samples: int = 0

    @property
    def end_s(self) -> float:
        return self.origin_s + self.samples / SAMPLE_RATE_HZ


class Tracks:
    """Sound in, cuts of all tracks out in the order in which they are decided."""

    def __init__(self, *, voices: Voices, settings: EndpointSettings) -> None:
        self._voices = voices
        self._settings = settings
        self._going: _Going | None = None
        self._rest: NDArray[np.int16] = np.zeros((0, 0), dtype=np.int16)
        self.end_s: float | None = None
        """Where the sound so far ends; None: there was none yet."""

    def feed(self, heard: Heard) -> Iterator[Spoken]:
        """The utterances that end with the next piece."""
        samples = self._voices.split(heard.samples)
        going = self._going
        if going is not None:
            gap = round((heard.start_s - going.end_s) * SAMPLE_RATE_HZ)
            if len(samples) != len(going.endpointers) or gap > _BRIDGED_S * SAMPLE_RATE_HZ:
                yield from self.finish()
            elif gap > 0:
                samples = np.concatenate([np.zeros((len(samples), gap), dtype=np.int16), samples], axis=1)
        going = self._going or self._begin(heard)
        going.samples += samples.shape[1]
        self.end_s = going.end_s
        samples = np.concatenate([self._rest, samples], axis=1) if self._rest.size else samples
        whole = samples.shape[1] // _BLOCK * _BLOCK
        self._rest = samples[:, whole:]
        for start in range(0, whole, _BLOCK):
            yield from self._hear(going, samples[:, start : start + _BLOCK])

    def finish(self) -> Iterator[Spoken]:
        """The utterances that are open when the sound ends or breaks off."""
        going, self._going = self._going, None
        if going is None:
            return
        rest, self._rest = self._rest, np.zeros((0, 0), dtype=np.int16)
        if rest.size:
            yield from self._hear(going, rest)
        for endpointer, voice in zip(going.endpointers, going.voices, strict=True):
            yield from ((cut, voice) for cut in endpointer.finish())

    def _begin(self, heard: Heard) -> _Going:
        voices = self._voices.tracks(len(heard.samples))
        endpointers = [Endpointer(settings=self._settings, origin_s=heard.start_s) for _ in voices]
        self._going = _Going(voices=voices, endpointers=endpointers, origin_s=heard.start_s)
        return self._going

    def _hear(self, going: _Going, block: NDArray[np.int16]) -> Iterator[Spoken]:
        for endpointer, voice, samples in zip(going.endpointers, going.voices, block, strict=True):
            yield from ((cut, voice) for cut in endpointer.feed(samples))
