"""What a batch of recordings goes through before a voice encoder learns from it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from engine.training import augment
from engine.training.babble import RATIO_DB, TALKERS, babble, mixed
from engine.training.corpora.base import Voice
from engine.training.voices.recipe import Augmentation


class Stretches:
    """Stretches of one length of recordings, changed by the numbers of an augmentation."""

    def __init__(self, voices: Sequence[Voice], numbers: Augmentation, *, samples: int) -> None:
        self._numbers = numbers
        self._samples = samples
        self._audio = [torch.from_numpy(voice.audio) for voice in voices]
        self._speakers = [voice.speaker for voice in voices]
        self._others = {
            speaker: [voice.audio for voice in voices if voice.speaker != speaker] for speaker in {*self._speakers}
        }

    def waves(self, chosen: Sequence[int], generator: Generator) -> Tensor:
        """Those recordings as `[B, samples]`: sped up or slowed down, cut, over babble and noise, in rooms, called."""
        numbers, size = self._numbers, len(chosen)
        waves = torch.stack([self._cut(self._audio[index], generator) for index in chosen])
        for place in augment.drawn(size, numbers.babble, generator).tolist():
            waves[place] = self._among(waves[place], self._speakers[chosen[place]], generator)
        for chance, change in ((numbers.noise, augment.noisy), (numbers.reverberation, augment.reverberated)):
            some = augment.drawn(size, chance, generator)
            waves[some] = change(waves[some], generator=generator)
        called = augment.drawn(size, numbers.telephone, generator)
        waves[called] = augment.telephone(waves[called])
        return waves

    def frames(self, frames: Tensor, generator: Generator) -> Tensor:
        """Standardised log-mel `[B, T, M]` with stretches and bands hidden."""
        _, length, bands = frames.shape
        return augment.masked_bands(
            frames,
            generator=generator,
            time_frames=round(self._numbers.time_mask * length),
            bands=round(self._numbers.band_mask * bands),
        )

    def _cut(self, audio: Tensor, generator: Generator) -> Tensor:
        speed = 1 + self._numbers.speed * (2 * _uniform(generator) - 1)
        audio = augment.at_speed(audio, speed=speed)
        if len(audio) < self._samples:
            audio = audio.repeat(-(-self._samples // len(audio)))
        start = int(_uniform(generator) * (len(audio) - self._samples + 1))
        return audio[start : start + self._samples]

    def _among(self, wave: Tensor, speaker: str, generator: Generator) -> Tensor:
        # Babble is made with numpy: one draw of the generator begins its own.
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        noise = babble(self._others[speaker], samples=len(wave), talkers=TALKERS, rng=rng)
        return torch.from_numpy(mixed(wave.numpy(), noise, ratio_db=rng.uniform(*RATIO_DB)))


def mixup(
    frames: Tensor, targets: Tensor, groups: Tensor, *, beta: float, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Frames `[B, T, M]` and targets `[B, K]`, each mixed with another of its group `[B]` (Zhang et al., ICLR 2018).

    The share of the first of two, the larger one, comes from Beta(beta, beta); 0 mixes nothing.
    """
    if beta == 0:
        return frames, targets
    partner = torch.arange(len(frames))
    for group in range(int(groups.max()) + 1):
        members = torch.nonzero(groups == group)[:, 0]
        partner[members] = members[torch.randperm(len(members), generator=generator)]
    share = _beta(beta, len(frames), generator)
    share = torch.maximum(share, 1 - share)
    return (
        torch.lerp(frames[partner], frames, share[:, None, None]),
        torch.lerp(targets[partner], targets, share[:, None]),
    )


def _beta(beta: float, size: int, generator: Generator) -> Tensor:
    rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
    return torch.from_numpy(rng.beta(beta, beta, size)).float()


def _uniform(generator: Generator) -> float:
    return torch.rand((), generator=generator).item()
