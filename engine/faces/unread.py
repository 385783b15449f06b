"""Faces where the checkpoint cannot read them: none is searched for, and every turn says why."""

from collections.abc import Sequence
from typing import Final

from engine.signals import FaceTrack, Media, Span, Waveform

REASON: Final = "the checkpoint has no face encoder"


class Unsearched:
    """A `FaceLocator` that looks at no frame."""

    def locate(self, media: Media) -> Sequence[FaceTrack]:
        """See `FaceLocator`: nobody."""
        return ()


def no_face(tracks: tuple[FaceTrack, ...], audio: Waveform | None, span: Span) -> str:
    """In the place of `speaking_face`: no face is taken, whoever is in view."""
    return REASON
