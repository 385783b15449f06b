"""What a person calls a source, and which one that is."""

import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import ConfigurationError
from engine.ingest.base import Source
from engine.ingest.microphone import microphone
from engine.ingest.raw import Bytes, RawSource
from engine.ingest.streamed import StreamedSource
from engine.signals import SAMPLE_RATE_HZ

_LIVE = {"rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "srt", "tcp"}
_TELEPHONE = {"mulaw", "alaw"}
_TELEPHONE_HZ = 8000


@dataclass(frozen=True, slots=True)
class Raw:
    """How samples without a header are to be read."""

    format: str
    rate_hz: int | None = None
    """None: 8 kHz for mu-law and A-law, else the engine's own rate."""
    channels: int = 1


def source_at(address: str, *, raw: Raw | None, live: bool | None) -> Source:
    """The source of an address: a path, `-`, `mic`, `mic:NAME` or anything FFmpeg opens.

    `raw`: it has no header; standard input never has. `live`: whether who is slow misses some of it; None: as its kind
    is. Raises `ConfigurationError`.
    """
    if address == "-":
        return _raw(raw or Raw("s16le"), _standard_input, live=bool(live))
    if address == "mic" or address.startswith("mic:"):
        device, format = microphone(address.partition(":")[2] or None)
        return StreamedSource(address=device, format=format, live=live is not False)
    scheme = urlsplit(address).scheme.lower()
    path = Path(address)
    if "://" not in address:
        if not path.exists():
            raise ConfigurationError(f"there is no file {address}")
        if path.is_dir():
            raise ConfigurationError(f"{address} is a folder; a stream is one file or one address")
        if raw is not None:
            return _raw(raw, partial(_file, path), live=bool(live))
    elif raw is not None:
        raise ConfigurationError("raw samples come from a file or from standard input; an address says what it sends")
    options = {"rtsp_transport": "tcp"} if scheme.startswith("rtsp") else {}
    known = scheme in _LIVE if "://" in address else stat.S_ISCHR(path.stat().st_mode)
    return StreamedSource(address=address, options=options, live=known if live is None else live)


def _raw(raw: Raw, opened: Callable[[], Bytes], *, live: bool) -> RawSource:
    rate_hz = raw.rate_hz or (_TELEPHONE_HZ if raw.format in _TELEPHONE else SAMPLE_RATE_HZ)
    return RawSource(opened=opened, format=raw.format, rate_hz=rate_hz, channels=raw.channels, live=live)


def _standard_input() -> Bytes:
    if sys.stdin is None:
        # Its number may be that of something else by now.
        raise ConfigurationError("there is no standard input to read")
    return open(0, "rb", closefd=False)


def _file(path: Path) -> Bytes:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be opened: {error.strerror}") from error
