"""Augmentation: what a voice or a face may go through between a mouth and a microphone, a face and a lens."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from engine.signals import SAMPLE_RATE_HZ
from engine.training.recipe import EVERY_LOOK, FaceAugmentation

_MU = 255.0
_ROOM = SAMPLE_RATE_HZ // 2
_FIRST_ECHO = SAMPLE_RATE_HZ // 500


def voices(audio: Tensor, *, chance: float, generator: Generator) -> Tensor:
    """Waveforms `[B, N]`, each changed with `chance` by noise, and by a telephone; the gain of each is drawn anew."""
    size = len(audio)
    gain_db = 24 * (torch.rand(size, 1, generator=generator) - 0.5)
    audio = audio * 10 ** (gain_db / 20)
    hissing = drawn(size, chance, generator)
    audio[hissing] = noisy(audio[hissing], generator=generator)
    called = drawn(size, chance / 2, generator)
    audio[called] = telephone(audio[called])
    return audio


def noisy(audio: Tensor, *, generator: Generator) -> Tensor:
    """Waveforms `[B, N]` over noise of a slope between white and brown, 5 to 35 dB below each one's power."""
    slope = torch.rand(len(audio), 1, generator=generator)
    frequencies = torch.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE_HZ).clamp(min=50.0)
    noise = _filtered(torch.randn(audio.shape, generator=generator), frequencies**-slope)
    ratio_db = 5 + 30 * torch.rand(len(audio), 1, generator=generator)
    power = audio.square().mean(dim=1, keepdim=True) / noise.square().mean(dim=1, keepdim=True).clamp(min=1e-12)
    return audio + noise * (power * 10 ** (-ratio_db / 10)).sqrt()


def reverberated(audio: Tensor, *, generator: Generator) -> Tensor:
    """Waveforms `[B, N]` in rooms: noise that decays by 60 dB in 0.2 to 0.8 s, 0 to 15 dB below the direct sound.

    The tail that rings on behind the end is cut off.
    """
    size, samples = audio.shape
    if not size:
        return audio
    times_s = torch.arange(_ROOM) / SAMPLE_RATE_HZ
    decay_s = 0.2 + 0.6 * torch.rand(size, 1, generator=generator)
    room = torch.randn(size, _ROOM, generator=generator) * torch.exp(-math.log(1000) * times_s / decay_s)
    room[:, :_FIRST_ECHO] = 0
    ratio_db = 15 * torch.rand(size, 1, generator=generator)
    room *= 10 ** (-ratio_db / 20) / room.square().sum(dim=1, keepdim=True).sqrt()
    room[:, 0] = 1
    whole = samples + _ROOM
    heard: Tensor = torch.fft.irfft(torch.fft.rfft(audio, whole) * torch.fft.rfft(room, whole), n=whole)
    return heard[:, :samples]


def telephone(audio: Tensor) -> Tensor:
    """Waveforms `[B, N]` through a band of 300 to 3400 Hz and 8-bit mu-law."""
    frequencies = torch.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE_HZ)
    band = _filtered(audio, torch.sigmoid((frequencies - 300) / 30) * torch.sigmoid((3400 - frequencies) / 60))
    peak = band.abs().amax(dim=1, keepdim=True).clamp(min=1e-9)
    top = math.log1p(_MU)
    coded = (band / peak).sign() * torch.log1p(_MU * (band / peak).abs()) / top
    steps = torch.round((coded + 1) / 2 * _MU) / _MU * 2 - 1
    return peak * steps.sign() * torch.expm1(steps.abs() * top) / _MU


def _filtered(audio: Tensor, gains: Tensor) -> Tensor:
    if not len(audio):
        return audio
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(audio) * gains, n=audio.shape[1])
    return filtered


def at_speed(audio: Tensor, *, speed: float) -> Tensor:
    """One waveform `[N]` played faster (above 1) or slower, its pitch with it."""
    length = max(1, round(len(audio) / speed))
    return F.interpolate(audio[None, None], size=length, mode="linear", align_corners=False)[0, 0]


def masked_bands(frames: Tensor, *, generator: Generator, time_frames: int, bands: int) -> Tensor:
    """Standardised log-mel `[B, T, M]` with two random stretches of time and two of frequency at its mean, 0."""
    frames = frames.clone()
    for axis, most in ((1, time_frames), (1, time_frames), (2, bands), (2, bands)):
        length = frames.shape[axis]
        widths = torch.randint(0, min(most, length) + 1, (len(frames), 1), generator=generator)
        starts = (torch.rand(len(frames), 1, generator=generator) * (length - widths)).long()
        places = torch.arange(length)
        hidden = (places >= starts) & (places < starts + widths)
        frames[hidden[:, :, None].expand_as(frames) if axis == 1 else hidden[:, None, :].expand_as(frames)] = 0
    return frames


def faces(
    images: Tensor, *, generator: Generator, side: int | None = None, looks: FaceAugmentation = EVERY_LOOK
) -> Tensor:
    """Grey faces `[N, S, S]` in [0, 1]: mirrored, turned, shifted, scaled, blurred, lit otherwise, partly covered.

    side: of the result, which is a cut from the middle of what the whole would be; None is S.
    """
    size = len(images)
    side = side or images.shape[-1]
    angle = 2 * looks.turn * (torch.rand(size, generator=generator) - 0.5)
    scale = 1 + 2 * looks.scale * (torch.rand(size, generator=generator) - 0.5)
    aspect = 1 + looks.scale * (torch.rand(size, generator=generator) - 0.5)
    mirror = torch.where(torch.rand(size, generator=generator) < looks.mirror, -1.0, 1.0)
    shift = 2 * looks.shift * (torch.rand(size, 2, generator=generator) - 0.5)
    rotation = torch.stack(
        (
            torch.stack((angle.cos() * scale * mirror, -angle.sin() * scale * aspect, shift[:, 0]), 1),
            torch.stack((angle.sin() * scale * mirror, angle.cos() * scale * aspect, shift[:, 1]), 1),
        ),
        1,
    )
    rotation[:, :, :2] *= side / images.shape[-1]
    grid = F.affine_grid(rotation, [size, 1, side, side], align_corners=False)
    moved = F.grid_sample(images[:, None], grid, padding_mode="border", align_corners=False)
    blurred = drawn(size, looks.blur, generator)
    moved[blurred] = (
        F.interpolate(
            F.interpolate(moved[blurred], scale_factor=0.5, mode="bilinear", antialias=True),
            size=(side, side),
            mode="bilinear",
        )
        if len(blurred)
        else moved[blurred]
    )
    moved = moved[:, 0]
    power = torch.exp(2 * looks.light * (torch.rand(size, 1, 1, generator=generator) - 0.5))
    moved = moved.clamp(0, 1) ** power
    return _covered(moved, generator, chance=looks.cover)


def _covered(images: Tensor, generator: Generator, *, chance: float) -> Tensor:
    """A rectangle of up to two fifths of each side at the image's mean, with `chance`."""
    size, side = len(images), images.shape[-1]
    places = torch.arange(side)
    sides = torch.randint(0, side * 2 // 5, (2, size, 1), generator=generator)
    starts = torch.randint(0, side, (2, size, 1), generator=generator)
    rows, columns = ((places >= start) & (places < start + length) for start, length in zip(starts, sides, strict=True))
    hidden = rows[:, :, None] & columns[:, None, :]
    hidden[torch.rand(size, generator=generator) < 1 - chance] = False
    return torch.where(hidden, images.mean(dim=(1, 2), keepdim=True), images)


def drawn(size: int, chance: float, generator: Generator) -> Tensor:
    """Indices below `size`, each there with this chance."""
    return torch.nonzero(torch.rand(size, generator=generator) < chance)[:, 0]
