"""One voice learned from recordings of it, in the way a dialogue's voices are learned, or the reason why not."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.diarization.base import Diarizer
from engine.diarization.merge import is_numbered
from engine.diarization.registry import CENTROID, SECONDS, cosine, known_speakers
from engine.errors import EnrolmentRefused
from engine.perceive import UNHEARD
from engine.signals import SAMPLE_RATE_HZ, Span, Tensors, Waveform
from engine.vad.base import VoiceActivityDetector


@dataclass(frozen=True, slots=True)
class Learned:
    """What a voice sounds like."""

    centroid: NDArray[np.float32]
    """`[D]`"""
    seconds: float
    """Speech it was learned from."""


def check_name(name: str) -> None:
    """Raise `EnrolmentRefused` for a name that could be taken for an id of the engine's own."""
    if is_numbered(name) or name == UNHEARD or name.startswith("channel/") or not name.strip():
        raise EnrolmentRefused(f"{name!r} is no name a voice can have: the engine gives such names itself")


class Enroller:
    """Hears recordings as if they were a dialogue in which one person speaks.

    Args:
        vad: finds the speech.
        diarizer: tells voices apart.
        least_s: speech it takes to know a voice.
        one_voice: cosine similarity of two centroids from which they are taken for one voice; lower than in a dialogue,
            for here it is said that one person speaks.
        other_share: part of the speech from which another voice is more than one that was heard wrongly.
        piece_s: length of the pieces that are given to the diarizer, about that of an utterance.
    """

    def __init__(
        self,
        *,
        vad: VoiceActivityDetector,
        diarizer: Diarizer,
        least_s: float = 10.0,
        one_voice: float = 0.8,
        other_share: float = 0.25,
        piece_s: float = 5.0,
    ) -> None:
        self._vad = vad
        self._diarizer = diarizer
        self._least_s = least_s
        self._one_voice = one_voice
        self._other_share = other_share
        self._piece_s = piece_s

    def learn(self, recordings: Iterable[Waveform]) -> Learned:
        """The voice of recordings `[N]` at `SAMPLE_RATE_HZ`.

        Raises `EnrolmentRefused` where there is too little speech, or more than one voice.
        """
        tensors: Tensors = {}
        speech_s = 0.0
        for audio in recordings:
            for piece in self._pieces(audio, self._vad.detect(audio)):
                duration_s = len(piece) / SAMPLE_RATE_HZ
                speech_s += duration_s
                tensors = self._diarizer.assign(piece, [Span(0.0, duration_s)], tensors).tensors
        if speech_s < self._least_s:
            raise EnrolmentRefused(
                f"only {speech_s:.1f} s of speech were found, and it takes {self._least_s:g} s to know a voice; "
                "add recordings of the same person"
            )
        seconds = {name: float(tensors[SECONDS + name]) for name in known_speakers(tensors)}
        heard_s = sum(seconds.values())
        if heard_s < self._least_s / 2:
            raise EnrolmentRefused(
                f"of {speech_s:.1f} s of speech only {heard_s:.1f} s could be described: too noisy or too faint"
            )
        most = tensors[CENTROID + max(seconds, key=lambda name: seconds[name])]
        own = [name for name in seconds if cosine(tensors[CENTROID + name], most) >= self._one_voice]
        own_s = sum(seconds[name] for name in own)
        if heard_s - own_s > self._other_share * heard_s:
            raise EnrolmentRefused(
                f"more than one voice is heard, the longest for {own_s:.1f} of {heard_s:.1f} s; "
                "use recordings in which one person speaks, in an even voice"
            )
        centroid = sum((tensors[CENTROID + name] * seconds[name] for name in own), np.zeros_like(most)) / own_s
        return Learned(centroid=np.asarray(centroid, dtype=np.float32), seconds=own_s)

    def _pieces(self, audio: Waveform, speech: Sequence[Span]) -> Iterator[Waveform]:
        """The speech of a recording without its pauses, in equal pieces."""
        spoken = [audio[round(s.start_s * SAMPLE_RATE_HZ) : round(s.end_s * SAMPLE_RATE_HZ)] for s in speech]
        if spoken:
            joined = np.concatenate(spoken)
            count = math.ceil(len(joined) / (self._piece_s * SAMPLE_RATE_HZ))
            yield from np.array_split(joined, count)
