"""Opening media: which containers are taken, and what a content type says of raw samples."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from io import BytesIO
from mmap import mmap

import av
from av.container import InputContainer

from engine.errors import BadMedia
from engine.media.base import Limits

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,wav,w64,flac,ogg,mp3,aac,aiff,au,mpeg,mpegts,mpegvideo,avi,flv,asf,amr,"
    "jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,mulaw,alaw,s16be"
)
"""Nothing that names other files or addresses (playlists, concatenations) is ever opened."""

_RAW = {
    "audio/basic": ("mulaw", 8000),
    "audio/pcmu": ("mulaw", 8000),
    "audio/x-mulaw": ("mulaw", 8000),
    "audio/pcma": ("alaw", 8000),
    "audio/x-alaw": ("alaw", 8000),
    "audio/l16": ("s16be", None),
}
"""Content type to raw format and the rate it has where none is given."""

_AU_MAGIC = b".snd"


@contextmanager
def open_media(file: BytesIO | mmap, *, content_type: str | None, limits: Limits) -> Iterator[InputContainer]:
    """The container in a binary file. Raises `BadMedia` where there is none or it has too many streams."""
    options = {"format_whitelist": _CONTAINERS}
    raw = _raw_format(content_type, file)
    name = None
    if raw is not None:
        name, rate_hz, channels = raw
        options |= {"sample_rate": str(rate_hz), "ch_layout": f"{channels}C"}
    try:
        container = av.open(file, "r", format=name, options=options, metadata_errors="ignore")
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise BadMedia(f"no media that can be opened: {error}; send mp4, webm, mkv, wav, flac or ogg") from error
    with container:
        if len(container.streams) > limits.streams_most:
            raise BadMedia(f"{len(container.streams)} streams; at most {limits.streams_most} are taken (media.streams)")
        yield container


def _raw_format(content_type: str | None, file: BytesIO | mmap) -> tuple[str, int, int] | None:
    """Format, rate and channels of raw samples; None where the bytes are a container."""
    if content_type is None:
        return None
    header = Message()
    header["content-type"] = content_type
    kind = header.get_content_type()
    if kind not in _RAW or _starts_with(file, _AU_MAGIC):
        return None
    name, rate_hz = _RAW[kind]
    rate_hz = _number(header, "rate", default=rate_hz, most=384_000)
    return name, rate_hz, _number(header, "channels", default=1, most=8)


def _number(header: Message, name: str, *, default: int | None, most: int) -> int:
    text = header.get_param(name)
    if text is None and default is not None:
        return default
    if not isinstance(text, str) or not text.isdecimal() or not 1 <= int(text) <= most:
        raise BadMedia(f"{header['content-type']!r} needs {name} from 1 to {most}, as in 'audio/L16; rate=16000'")
    return int(text)


def _starts_with(file: BytesIO | mmap, magic: bytes) -> bool:
    begin = file.read(len(magic))
    file.seek(0)
    return begin == magic
