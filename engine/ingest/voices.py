"""Whose sound a channel carries: one mixed microphone, or a channel a speaker."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Voice:
    """Who is heard on a channel, as far as the producer knows."""

    speaker: str | None = None
    role: str | None = None
    channel: str | None = None
    """Its number, where a channel is a speaker: roles may be configured by it."""


@dataclass(frozen=True, slots=True)
class Voices:
    """How the channels of a source become tracks that are endpointed each for itself.

    Args:
        apart: a channel is a speaker; else all are mixed into one track.
        named: what is known of a channel by its number; one that is not named is called after its number.
        speaker: whose sound it is, where channels are mixed and one person alone is heard.
        role: of everybody who has none.
    """

    apart: bool = False
    named: Mapping[int, Voice] | None = None
    role: str | None = None
    speaker: str | None = None

    def tracks(self, channels: int) -> tuple[Voice, ...]:
        """Who is heard on each track of a source of so many channels.

        Raises `ConfigurationError` for a channel that is named and not there.
        """
        if not self.apart:
            return (self.mixed,)
        named = self.named or {}
        for number in named:
            if number >= channels:
                raise ConfigurationError(f"channel {number} is named, and the source has {channels}, counted from 0")
        known = [named.get(number, Voice()) for number in range(channels)]
        return tuple(
            Voice(voice.speaker or f"channel-{number}", voice.role or self.role, str(number))
            for number, voice in enumerate(known)
        )

    @property
    def mixed(self) -> Voice:
        """Who is heard where channels are mixed."""
        return Voice(self.speaker, self.role)

    def announced(self) -> tuple[Voice, ...]:
        """Whom the producer names before anybody is heard."""
        alone = () if self.apart or self.speaker is None else (self.mixed,)
        return (*alone, *(Voice(voice.speaker, voice.role or self.role) for voice in (self.named or {}).values()))

    def split(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Tracks `[T, N]` of channels `[C, N]`."""
        if self.apart or len(samples) == 1:
            return samples
        mixed: NDArray[np.int16] = np.rint(samples.mean(axis=0, keepdims=True)).astype(np.int16)
        return mixed
