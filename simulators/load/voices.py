"""The bundled recordings as voices that speak for as long as they are asked to."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import numpy as np

from engine.media.decode import decode_span
from engine.media.encode import Sound, encode_flac
from engine.signals import SAMPLE_RATE_HZ, Waveform
from simulators.folder import open_corpus
from simulators.load.conversation import Spoken
from simulators.samples import CALL

GARBAGE_BYTES: Final = 20_000
FLAC: Final = "audio/flac"


class Voices:
    """Who says what: each speaker's recordings, one after the other, from any of them on.

    recordings: those of each speaker, waveforms of at least one sample.
    """

    def __init__(self, recordings: Mapping[str, Sequence[Waveform]]) -> None:
        self._begins = {
            speaker: np.cumsum([0, *(len(one) for one in some[:-1])]) for speaker, some in recordings.items()
        }
        self._spoken = {speaker: np.concatenate(list(some)) for speaker, some in recordings.items()}

    def sound(self, spoken: Spoken) -> Waveform:
        """The samples of an utterance; the same utterance is always the same sound."""
        begins, whole = self._begins[spoken.speaker], self._spoken[spoken.speaker]
        begin = int(begins[_rng(spoken).randrange(len(begins))])
        count = round((spoken.end_s - spoken.start_s) * SAMPLE_RATE_HZ)
        return np.take(whole, np.arange(begin, begin + count), mode="wrap")

    def media(self, spoken: Spoken) -> bytes:
        """An utterance as FLAC."""
        return encode_flac(Sound(self.sound(spoken)[None], SAMPLE_RATE_HZ))


def garbage(spoken: Spoken) -> bytes:
    """Bytes that no decoder makes anything of, in the place of an utterance."""
    return _rng(spoken).randbytes(GARBAGE_BYTES)


def bundled_voices() -> Voices:
    """The customer and the agent of the bundled call: two actors of EmoDB (CC0 1.0), two dozen sentences."""
    recordings: dict[str, list[Waveform]] = {}
    for dialogue in open_corpus(CALL).dialogues:
        for said in dialogue.utterances:
            audio = decode_span(said.media).audio if said.media is not None else None
            if audio is not None and said.role is not None:
                recordings.setdefault(said.role, []).append(audio)
    return Voices(recordings)


def _rng(spoken: Spoken) -> Random:
    return Random(repr(spoken))  # noqa: S311 - it has to be the same again
