"""What a batch of recordings goes through before a voice encoder learns from it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from engine.features.spectral import LogMel
from engine.features.voice import standardise
from engine.training.corpora.base import Voice
from engine.training.material import augment
from engine.training.material.babble import others_of
from engine.training.material.heard import heard_otherwise, uniform
from engine.training.recipe import VoiceAugmentation


class Versions:
    """Log-mel of recordings as it is and as it could be: made once, for a step takes longer to augment than to learn.

    Every recording has `numbers.versions` of them. Making them draws from a generator of their own, so a training that
    goes on finds the same.
    """

    def __init__(self, voices: Sequence[Voice], numbers: VoiceAugmentation, spectrum: LogMel, *, seed: int) -> None:
        self._numbers = numbers
        generator = Generator().manual_seed(seed)
        others = others_of(voices)
        self._decibels: list[list[Tensor]] = []
        for voice in voices:
            audio, around = torch.from_numpy(voice.audio), others[voice.speaker]
            changed = (heard_otherwise(audio, around, numbers, generator) for _ in range(numbers.versions))
            self._decibels.append([_decibels(wave, spectrum) for wave in changed])

    def stretches(self, chosen: Sequence[int], generator: Generator, *, frames: int) -> Tensor:
        """Stretches of versions of those recordings, `[B, frames, M]`, standardised, times and bands hidden."""
        cut = torch.stack([self._cut(self._decibels[index], frames, generator) for index in chosen])
        return augment.masked_bands(
            standardise(cut, torch.ones(cut.shape[:2], dtype=torch.bool)),
            generator=generator,
            time_frames=round(self._numbers.time_mask * frames),
            bands=round(self._numbers.band_mask * cut.shape[2]),
        )

    def _cut(self, versions: Sequence[Tensor], frames: int, generator: Generator) -> Tensor:
        decibels = versions[int(uniform(generator) * len(versions))]
        if len(decibels) < frames:
            decibels = decibels.repeat(-(-frames // len(decibels)), 1)
        start = int(uniform(generator) * (len(decibels) - frames + 1))
        return decibels[start : start + frames].float()


def _decibels(wave: Tensor, spectrum: LogMel) -> Tensor:
    # Half precision is good to a thirtieth of a decibel here.
    return spectrum.extract(wave, torch.ones_like(wave, dtype=torch.bool))[0][0].half()


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
