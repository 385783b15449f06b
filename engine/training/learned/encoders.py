"""The encoders' own training: seven emotions from single recordings or pictures, under a passing head."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from engine.errors import ConfigurationError
from engine.features.builders import AudioEncoder, FaceCropEncoder
from engine.features.face import FaceEncoder
from engine.features.precision import Precision, computing
from engine.features.voice import VoiceEncoder, standardise
from engine.features.voice_residual import ResidualVoiceEncoder
from engine.signals import SAMPLE_RATE_HZ
from engine.training.corpora.base import FaceSet, Voice
from engine.training.fitting.fit import Following, fit
from engine.training.material import augment
from engine.training.material.tokens import picture_tokens
from engine.training.recipe import EVERY_LOOK, EncoderTraining, FaceAugmentation, VoiceTraining
from schemas.labels import EMOTIONS

# These bear bfloat16; gradients of convolutions over time and space turned NaN in it on a CPU.
_ROUNDED = (VoiceEncoder, ResidualVoiceEncoder, FaceEncoder)

_FEWEST = 2
"""One item alone has no spread that a network's normalisation could go by."""


class Head(nn.Module):
    """The mean and the spread of an utterance's tokens to logits; it goes when the encoder is trained."""

    def __init__(self, *, width: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(2 * width, len(EMOTIONS))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens `[B, T, D]` and mask `[B, T]` to logits `[B, 7]`."""
        tokens = F.relu(tokens)
        real = mask[:, :, None].to(tokens.dtype)
        count = real.sum(dim=1).clamp(min=1)
        mean = (tokens * real).sum(dim=1) / count
        spread = (((tokens - mean[:, None]) * real).square().sum(dim=1) / count + 1e-5).sqrt()
        out: Tensor = self.out(self.drop(torch.cat((mean, spread), dim=1)))
        return out


def class_weights(labels: NDArray[np.int64], *, balance: float) -> Tensor:
    """Weights of the seven classes for a loss in which rare ones count more: their number to the power of `-balance`.

    They are 1 in the mean over items. What does not occur counts nothing: smoothed labels would teach it.
    """
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    weights = torch.tensor((counts > 0) * counts.clip(min=1) ** -float(balance), dtype=torch.float32)
    return weights * float(counts.sum()) / float((weights.numpy() * counts).sum())


def train_voice(
    encoder: AudioEncoder,
    head: Head,
    voices: Sequence[Voice],
    *,
    schedule: VoiceTraining,
    seed: int,
    following: Following,
) -> None:
    """Train the encoder under the head on random stretches of the recordings, augmented."""
    generator = torch.Generator().manual_seed(seed)
    labels = np.array([voice.label for voice in voices])
    audio = [torch.from_numpy(voice.audio) for voice in voices]
    crop = round(schedule.crop_s * SAMPLE_RATE_HZ)

    def batch(chosen: Tensor) -> tuple[Tensor, Tensor]:
        waves = torch.stack([_stretch(audio[index], crop, generator) for index in chosen.tolist()])
        waves = augment.voices(waves, chance=0.4, generator=generator)
        return _heard(encoder, waves.to(following.device), generator)

    _learn("voice", encoder, head, batch, labels, schedule=schedule, generator=generator, following=following)


def train_face(
    encoder: FaceCropEncoder,
    head: Head,
    faces: FaceSet,
    *,
    schedule: EncoderTraining,
    augmentation: FaceAugmentation = EVERY_LOOK,
    seed: int,
    following: Following,
) -> None:
    """Train the encoder under the head on augmented faces."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(faces.images)

    def batch(chosen: Tensor) -> tuple[Tensor, Tensor]:
        seen = augment.faces(images[chosen].float() / 255, generator=generator, looks=augmentation)
        tokens = picture_tokens(encoder, seen.to(following.device))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)

    _learn("face", encoder, head, batch, faces.labels, schedule=schedule, generator=generator, following=following)


def _heard(encoder: AudioEncoder, waves: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Tokens of whole waveforms and their mask; where the encoder reads log-mel, with times and bands masked."""
    whole = torch.ones_like(waves, dtype=torch.bool)
    if not isinstance(encoder, VoiceEncoder | ResidualVoiceEncoder):
        return encoder.extract(waves, whole)
    decibels, mask = encoder.spectrum.extract(waves, whole)
    frames = augment.masked_bands(standardise(decibels, mask), generator=generator, time_frames=20, bands=8)
    return encoder.encode(frames, mask)


def _learn(
    stage: str,
    encoder: nn.Module,
    head: Head,
    batch: Callable[[Tensor], tuple[Tensor, Tensor]],
    labels: NDArray[np.int64],
    *,
    schedule: EncoderTraining,
    generator: Generator,
    following: Following,
) -> None:
    if len(labels) < _FEWEST:
        raise ConfigurationError(f"the {stage}'s stage has {len(labels)} to learn from: it takes {_FEWEST} at least")
    targets = torch.from_numpy(labels).to(following.device)
    weights = class_weights(labels, balance=schedule.balance).to(following.device)

    precision: Precision = "bfloat16" if isinstance(encoder, _ROUNDED) else "float32"

    def loss_of(chosen: Tensor) -> Tensor:
        with computing(precision, targets.device):
            logits = head(*batch(chosen))
        return F.cross_entropy(logits.float(), targets[chosen], weights, label_smoothing=schedule.label_smoothing)

    fit(
        stage,
        [encoder, head],
        loss_of,
        items=len(labels),
        schedule=schedule,
        generator=generator,
        following=following,
    )


def _stretch(audio: Tensor, length: int, generator: Generator) -> Tensor:
    """`length` samples from a random place of the waveform at a random speed; a shorter one is repeated."""
    speed = 1 + 0.3 * (torch.rand((), generator=generator).item() - 0.5)
    audio = augment.at_speed(audio, speed=speed)
    if len(audio) < length:
        audio = audio.repeat(-(-length // len(audio)))
    start = int(torch.randint(0, len(audio) - length + 1, (), generator=generator))
    return audio[start : start + length]
