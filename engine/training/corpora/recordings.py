"""Labelled recordings as files: listed at once, read one by one when their sound is wanted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadMedia
from engine.media.decode import decode_span
from engine.signals import Media
from engine.training.corpora.base import Labelled, Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Labelled):
    """One labelled utterance in a file of its own."""

    path: Path

    def media(self) -> Media:
        """What its file holds. Raises `BadMedia` that names the file."""
        try:
            return decode_span(self.path)
        except BadMedia as error:
            raise BadMedia(f"{self.path}: {error}") from error


def voices(recordings: Iterable[Recording]) -> Iterator[Voice]:
    """The sound of each. Raises `BadMedia` that names the file that has none."""
    for recording in recordings:
        audio = recording.media().audio
        if audio is None:
            raise BadMedia(f"{recording.path} has no sound")
        yield Voice(
            name=recording.name,
            speaker=recording.speaker,
            label=recording.label,
            audio=audio,
            valence=recording.valence,
            arousal=recording.arousal,
            sex=recording.sex,
            language=recording.language,
        )
