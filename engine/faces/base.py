"""Faces as a port: the tracks of the people in a segment's frames."""

from collections.abc import Sequence
from typing import Protocol

from engine.signals import FaceTrack, Media


class FaceLocator(Protocol):
    """Stateless between calls."""

    def locate(self, media: Media) -> Sequence[FaceTrack]:
        """Everybody whose face is seen in a segment, the largest first; nobody, or no picture: an empty sequence."""
        ...
