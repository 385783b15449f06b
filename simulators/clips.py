"""An utterance's media as the bytes of a segment: passed on as it is, or cut and encoded anew."""

from dataclasses import dataclass
from pathlib import Path

import av

from engine.errors import BadMedia, BadSegment
from schemas.topics import MAX_SEGMENT_BYTES, MIB
from simulators.corpus import Utterance
from simulators.transcode import STILL_ALONE_S, Stretch, duration_of, has_picture, still_picture, transcode

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}
"""What travels as it is, by extension; anything else is encoded anew."""


@dataclass(frozen=True, slots=True)
class Clip:
    """The media of one segment."""

    value: bytes
    content_type: str
    duration_s: float


def load(utterance: Utterance) -> Clip:
    """The media of an utterance.

    Raises `BadMedia` when it is missing or cannot be read, `BadSegment` when it is too big for a record.
    """
    source = utterance.media or utterance.face
    if source is None:
        raise BadMedia("there is neither media nor a face")
    try:
        value, content_type = _encoded(utterance, source)
        clip = Clip(value, content_type, duration_of(value))
    except (av.FFmpegError, OSError) as error:
        raise BadMedia(f"{source} cannot be read: {error.strerror or error}") from error
    if clip.duration_s <= 0:
        raise BadMedia(f"{source} holds no sound and no picture")
    return clip


def length_s(utterance: Utterance) -> float | None:
    """How long it lasts, as its file says without being decoded; None for one that cannot be sent."""
    start_s = utterance.start_s or 0.0
    if utterance.media is not None and utterance.end_s is not None:
        return utterance.end_s - start_s
    try:
        if utterance.media is None:
            return None if utterance.face is None else STILL_ALONE_S
        return duration_of(utterance.media) - start_s or None
    except (av.FFmpegError, OSError):
        return None


def _encoded(utterance: Utterance, source: Path) -> tuple[bytes, str]:
    if utterance.media is None:
        return still_picture(source, voice=None), "video/mp4"
    stretch = Stretch(source, utterance.start_s or 0.0, utterance.end_s)
    if utterance.face is not None and not has_picture(source):
        return _fits(still_picture(utterance.face, voice=stretch), source), "video/mp4"
    content_type = CONTENT_TYPES.get(source.suffix.lower())
    if content_type is not None and utterance.start_s is None and utterance.end_s is None:
        _refuse(source.stat().st_size, source)
        return source.read_bytes(), content_type
    return _fits(transcode(stretch), source), "video/mp4" if has_picture(source) else "audio/wav"


def _fits(value: bytes, source: Path) -> bytes:
    _refuse(len(value), source)
    return value


def _refuse(size: int, source: Path) -> None:
    if size > MAX_SEGMENT_BYTES:
        raise BadSegment(
            f"{source} has {size / MIB:.1f} MiB and a segment carries at most {MAX_SEGMENT_BYTES // MIB} MiB; "
            "cut it into utterances, or produce segments that pass its address in dataref"
        )
