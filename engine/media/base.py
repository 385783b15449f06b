"""Decoding as a port: the bytes of a segment in, decoded arrays out."""

from typing import Protocol

from engine.signals import Media


class Decoder(Protocol):
    """Can be called from several threads."""

    def decode(self, data: bytes, *, content_type: str | None, declared_s: float | None) -> Media:
        """Decode one segment. Raises `BadMedia`, or `DecoderDied` when the process that decoded it did.

        `declared_s` is the length the producer stated; it stands in where the media does not say.
        """
        ...
