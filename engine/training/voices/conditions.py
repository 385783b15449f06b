"""Under what a voice is heard when an encoder is measured: as it was recorded, and as microphones and lines have it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor

from engine.training.corpora.base import Voice
from engine.training.material import augment
from engine.training.material.babble import with_babble

_SEED = 0


def clean(voices: Sequence[Voice], _: Sequence[Voice]) -> Iterable[Voice]:
    """As it was recorded."""
    return voices


def babble(voices: Sequence[Voice], everybody: Sequence[Voice]) -> Iterable[Voice]:
    """Four other speakers of the corpus talk, 0 to 15 dB below the voice."""
    wanted = {voice.name for voice in voices}
    return (voice for voice in with_babble(everybody, seed=_SEED) if voice.name in wanted)


def noise(voices: Sequence[Voice], _: Sequence[Voice]) -> Iterable[Voice]:
    """Noise between white and brown, 5 to 35 dB below the voice."""
    return _changed(voices, lambda audio, generator: augment.noisy(audio, generator=generator))


def reverberation(voices: Sequence[Voice], _: Sequence[Voice]) -> Iterable[Voice]:
    """A room."""
    return _changed(voices, lambda audio, generator: augment.reverberated(audio, generator=generator))


def telephone(voices: Sequence[Voice], _: Sequence[Voice]) -> Iterable[Voice]:
    """A telephone's band and mu-law."""
    return _changed(voices, lambda audio, _: augment.telephone(audio))


CONDITIONS: Mapping[str, Callable[[Sequence[Voice], Sequence[Voice]], Iterable[Voice]]] = {
    "clean": clean,
    "babble": babble,
    "noise": noise,
    "reverberation": reverberation,
    "telephone": telephone,
}
"""Each gives voices as they are heard, among everybody of their corpus."""


def _changed(voices: Sequence[Voice], change: Callable[[Tensor, Generator], Tensor]) -> Iterator[Voice]:
    generator = Generator().manual_seed(_SEED)
    for voice in voices:
        audio = change(torch.from_numpy(voice.audio)[None], generator)[0]
        yield replace(voice, audio=audio.numpy())
