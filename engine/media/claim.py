"""The claim check: media that lies elsewhere, fetched only from addresses on the allow-list."""

from pathlib import Path
from typing import Protocol
from urllib.error import URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from engine.errors import BadSegment, Unavailable

_CHUNK_BYTES = 1 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _NoRedirect(HTTPRedirectHandler):
    """An allowed address that points elsewhere would undo the list."""

    def redirect_request(self, *_: object) -> None:
        return None


class ClaimCheck:
    """Fetches `dataref` addresses.

    allowed: prefixes such as `file:///srv/media/` or `https://media.example.com/calls/`; empty means none.
    """

    def __init__(self, *, allowed: tuple[str, ...], most_bytes: int, timeout_s: float) -> None:
        self._folders = [Path(unquote(urlsplit(p).path)).resolve() for p in allowed if p.startswith("file:")]
        self._prefixes = tuple(p for p in allowed if p.startswith(("http://", "https://")))
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    def fetch(self, address: str) -> bytes:
        """The bytes at an address. Raises `BadSegment` if it is not allowed, missing or too big."""
        if address.startswith("file:"):
            return self._read_file(address)
        if any(address.startswith(prefix) for prefix in self._prefixes):
            return self._read_http(address)
        raise BadSegment(f"dataref {address!r} is outside the allow-list; name its prefix in media.dataref_allowed")

    def _read_file(self, address: str) -> bytes:
        path = Path(unquote(urlsplit(address).path)).resolve()
        if not any(path.is_relative_to(folder) for folder in self._folders):
            raise BadSegment(f"dataref {address!r} is outside the allow-list; name its folder in media.dataref_allowed")
        if not path.is_file():
            raise BadSegment(f"dataref {address!r} names no file")
        if path.stat().st_size > self._most_bytes:
            raise BadSegment(f"dataref {address!r} holds more than {self._most_bytes} bytes")
        return path.read_bytes()

    def _read_http(self, address: str) -> bytes:
        opener = build_opener(_NoRedirect)
        try:
            with opener.open(Request(address), timeout=self._timeout_s) as response:  # noqa: S310 - scheme is checked
                return self._drain(response, address)
        except URLError as error:
            status = getattr(error, "code", None)
            if status is not None and status < 500:
                raise BadSegment(f"dataref {address!r} was answered with {status}") from error
            raise Unavailable(f"dataref {address!r} does not answer: {error}") from error

    def _drain(self, response: _Readable, address: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._most_bytes:
                raise BadSegment(f"dataref {address!r} holds more than {self._most_bytes} bytes")
            parts.append(chunk)
        return b"".join(parts)
