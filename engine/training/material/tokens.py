"""Tokens made once: every recording and face of a dialogue corpus through the frozen encoders, in several versions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from engine.features.base import FeatureExtractor
from engine.features.face import FaceEncoder
from engine.signals import Waveform
from engine.training.corpora.base import FaceSet, Voice
from engine.training.material import augment
from engine.training.material.babble import others_of
from engine.training.material.heard import heard_otherwise
from engine.training.recipe import EVERY_LOOK, FaceAugmentation, VoiceAugmentation

_FACES_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class TokenBank:
    """Tokens of recordings by name and of faces by index; version 0 is the medium as it is."""

    voices: Mapping[str, list[Tensor]]
    """Each version `[T, D]`."""
    faces: Mapping[int, Tensor]
    """`[versions, cells, D]`"""


@torch.no_grad()
def fill(
    *,
    voice_encoder: FeatureExtractor,
    face_encoder: FeatureExtractor,
    voices: Iterable[Voice],
    faces: FaceSet,
    face_indices: Iterable[int],
    versions: int,
    seed: int,
    augmentation: VoiceAugmentation | None = None,
    looks: FaceAugmentation = EVERY_LOOK,
) -> TokenBank:
    """Encode every recording and the named faces `versions` times, all but the first augmented.

    augmentation: of the voices, as in their encoder's stage; None: speed, gain, noise and the telephone.
    looks: of the faces.
    """
    generator = torch.Generator().manual_seed(seed)
    several = [] if versions == 1 else list(voices)
    others = others_of(several)
    spoken = {}
    # Once each, they need not all be in memory.
    for voice in several or voices:
        heard = _versions(voice, versions, others.get(voice.speaker, []), augmentation, generator)
        spoken[voice.name] = [_encoded(voice_encoder, audio) for audio in heard]
    indices = sorted(set(face_indices))
    seen = [
        torch.stack(
            [_face_tokens(face_encoder, part, looks if version else None, generator) for version in range(versions)],
            dim=1,
        )
        for part in torch.split(torch.from_numpy(faces.images[indices]), _FACES_AT_ONCE)
        if len(part)
    ]
    return TokenBank(voices=spoken, faces=dict(zip(indices, (tokens for part in seen for tokens in part), strict=True)))


def _encoded(encoder: FeatureExtractor, audio: Tensor) -> Tensor:
    tokens, _ = encoder.extract(audio[None], torch.ones(1, len(audio), dtype=torch.bool))
    return tokens[0]


def _versions(
    voice: Voice,
    count: int,
    others: Sequence[Waveform],
    augmentation: VoiceAugmentation | None,
    generator: Generator,
) -> Iterator[Tensor]:
    audio = torch.from_numpy(voice.audio)
    yield audio
    for _ in range(count - 1):
        part = _part(audio, generator)
        if augmentation is None:
            speed = 1 + 0.3 * (torch.rand((), generator=generator).item() - 0.5)
            part = augment.at_speed(part, speed=speed)[None]
            yield augment.voices(part, chance=0.6, generator=generator)[0]
        else:
            yield heard_otherwise(part, others, augmentation, generator)[0]


def _part(audio: Tensor, generator: Generator) -> Tensor:
    """A stretch of half the waveform or more: a stream's segments begin and end otherwise than a studio's."""
    length = round(len(audio) * (0.5 + 0.5 * torch.rand((), generator=generator).item()))
    start = int(torch.randint(0, len(audio) - length + 1, (), generator=generator))
    return audio[start : start + length]


def _face_tokens(
    encoder: FeatureExtractor, images: Tensor, looks: FaceAugmentation | None, generator: Generator
) -> Tensor:
    grey = images.float() / 255
    return picture_tokens(encoder, grey if looks is None else augment.faces(grey, generator=generator, looks=looks))


def picture_tokens(encoder: FeatureExtractor, grey: Tensor) -> Tensor:
    """Grey pictures `[N, S, S]` in [0, 1], each a film of one frame, to tokens `[N, cells, D]`."""
    if isinstance(encoder, FaceEncoder):
        # It sees in grey: the way over three colours would only round.
        return encoder.encode(grey)
    frames = grey[:, None, None].expand(-1, -1, 3, -1, -1)
    cells, _ = encoder.extract(frames, torch.ones(frames.shape[:2], dtype=torch.bool))
    return cells
