"""Decoding as a port: the bytes of a segment in, arrays out."""

from dataclasses import dataclass
from typing import Protocol

from engine.signals import Media


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of media may cost, and how much of its picture is kept; `[media]` of the configuration."""

    bytes_most: int = 256 * 1024 * 1024
    frames_most: int = 15
    """Frames kept, evenly spaced."""
    side_most_px: int = 960
    """Longer side of a kept frame; larger ones are scaled down."""
    strip_most: int = 400
    """Frames of the film strip: small and grey, to see a mouth move."""
    strip_rate_hz: float = 30.0
    strip_side_most_px: int = 480
    pixels_most: int = 3840 * 2160
    """Pixels of a frame as it is coded."""
    duration_most_s: float = 15 * 60.0
    streams_most: int = 16


class Decoder(Protocol):
    """Usable from several threads."""

    def decode(self, data: bytes, *, content_type: str | None, declared_s: float | None = None) -> Media:
        """Decode one segment.

        `content_type` is needed for raw samples (`audio/basic`, `audio/L16; rate=16000`) and a word on the way for all
        else, which says itself what it is. `declared_s` is how long a still image is shown. Raises `BadMedia` where
        nothing can be decoded, `DecoderDied` where a decoding process was lost over it.
        """
        ...
