"""Babble: other people who talk in the same room, mixed under a voice."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from engine.errors import ConfigurationError
from engine.signals import Waveform
from engine.training.corpora.base import Voice

TALKERS = 4
"""Enough to be babble, few enough that each can be heard."""
RATIO_DB = (0.0, 15.0)
"""Between which the voice's power stands above that of all talkers together."""

_SILENCE = 1e-12


def with_babble(
    voices: Sequence[Voice], *, seed: int, ratio_db: tuple[float, float] = RATIO_DB, talkers: int = TALKERS
) -> Iterator[Voice]:
    """Every voice over recordings of other speakers among `voices`, at a ratio drawn evenly in decibels.

    What a recording gets depends on its name and the seed, not on the order. Raises `ConfigurationError`: one speaker.
    """
    in_order = sorted(voices, key=lambda voice: voice.name)
    others = others_of(in_order)
    if len(others) < 2:
        raise ConfigurationError("babble needs recordings of at least two speakers")
    for voice in voices:
        key = blake2b(f"babble|{seed}|{voice.name}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(key, "big"))
        noise = babble(others[voice.speaker], samples=len(voice.audio), talkers=talkers, rng=rng)
        yield replace(voice, audio=mixed(voice.audio, noise, ratio_db=rng.uniform(*ratio_db)))


def others_of(voices: Sequence[Voice]) -> dict[str, list[Waveform]]:
    """By speaker, the recordings of everybody else: who may babble around them."""
    speakers = {voice.speaker for voice in voices}
    return {speaker: [voice.audio for voice in voices if voice.speaker != speaker] for speaker in speakers}


def babble(recordings: Sequence[Waveform], *, samples: int, talkers: int, rng: np.random.Generator) -> Waveform:
    """`[samples]` of recordings on top of each other, equally loud, each from anywhere and over again where it ends."""
    noise = np.zeros(samples, dtype=np.float32)
    for chosen in rng.integers(0, len(recordings), talkers):
        talker = np.resize(np.roll(recordings[chosen], -rng.integers(0, len(recordings[chosen]))), samples)
        noise += talker / np.sqrt(max(float(np.square(talker).mean()), _SILENCE))
    return noise


def mixed(audio: Waveform, noise: Waveform, *, ratio_db: float) -> Waveform:
    """A waveform over noise of its length, whose power is `ratio_db` below its own; quieter where it clips."""
    power = float(np.square(audio).mean()) / max(float(np.square(noise).mean()), _SILENCE)
    mix = audio + noise * np.float32(np.sqrt(power) * 10 ** (-ratio_db / 20))
    return np.asarray(mix / max(1.0, float(np.abs(mix).max())), dtype=np.float32)
