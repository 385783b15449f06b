"""A recording as it could have been heard: sped up or slowed down, among others, over noise, in a room, called."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from engine.signals import Waveform
from engine.training.material import augment
from engine.training.material.babble import RATIO_DB, TALKERS, babble, mixed
from engine.training.recipe import VoiceAugmentation


def heard_otherwise(
    audio: Tensor, others: Sequence[Waveform], numbers: VoiceAugmentation, generator: Generator
) -> Tensor:
    """A recording `[N]` as `[1, M]`; `others` are recordings of those who may babble around it."""
    speed = 1 + numbers.speed * (2 * uniform(generator) - 1)
    wave = augment.at_speed(audio, speed=speed)[None]
    if uniform(generator) < numbers.babble:
        wave = _among(wave[0], others, generator)[None]
    for chance, change in ((numbers.noise, augment.noisy), (numbers.reverberation, augment.reverberated)):
        if uniform(generator) < chance:
            wave = change(wave, generator=generator)
    return augment.telephone(wave) if uniform(generator) < numbers.telephone else wave


def _among(wave: Tensor, others: Sequence[Waveform], generator: Generator) -> Tensor:
    # Babble is made with numpy: one draw of the generator begins its own.
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    noise = babble(others, samples=len(wave), talkers=TALKERS, rng=rng)
    return torch.from_numpy(mixed(wave.numpy(), noise, ratio_db=rng.uniform(*RATIO_DB)))


def uniform(generator: Generator) -> float:
    """One draw, evenly from [0, 1)."""
    return torch.rand((), generator=generator).item()
