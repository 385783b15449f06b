"""The store of enrolled voices as a port, apart from the dialogues: keep, list, delete; what has expired is gone."""

from collections.abc import Sequence
from typing import Protocol

from schemas.voice import EnrolledVoice


class VoiceStore(Protocol):
    """Voices by name. Raises `StoreUnavailable` when it does not answer."""

    def keep(self, voice: EnrolledVoice) -> None:
        """Write a voice until it expires; one of the same name is replaced."""
        ...

    def voices(self) -> Sequence[EnrolledVoice]:
        """The voices that have not expired, by name. Raises `SnapshotMismatch` where one cannot be read."""
        ...

    def delete(self, name: str) -> bool:
        """Erase a voice, whether or not it can be read; says whether there was one."""
        ...

    def close(self) -> None:
        """Free the connection."""
        ...
