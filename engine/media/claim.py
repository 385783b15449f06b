"""The claim check: media that lies elsewhere, fetched only from addresses on the allow-list."""

from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from engine.errors import BadSegment, MediaUnavailable

_CHUNK_BYTES = 1 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _NoRedirect(HTTPRedirectHandler):
    """An allowed address that points elsewhere would undo the list."""

    def redirect_request(self, *_: object) -> None:
        return None


class ClaimCheck:
    """Fetches `dataref` addresses.

    allowed: folders such as `file:///srv/media` or `https://media.example.com/calls`; empty means none.
    """

    def __init__(self, *, allowed: tuple[str, ...], most_bytes: int, timeout_s: float) -> None:
        self._folders = [Path(unquote(urlsplit(p).path)).resolve() for p in allowed if p.startswith("file:")]
        self._addresses = [urlsplit(p) for p in allowed if p.startswith(("http://", "https://"))]
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    def fetch(self, address: str) -> bytes:
        """The bytes at an address. Raises `BadSegment` if it is not allowed, missing or too big, `MediaUnavailable`."""
        if address.startswith("file:"):
            return self._read_file(address)
        if any(_lies_under(folder, address) for folder in self._addresses):
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
        except (OSError, HTTPException) as error:
            if isinstance(error, HTTPError) and error.code < 500:
                raise BadSegment(f"dataref {address!r} was answered with {error.code}") from error
            raise MediaUnavailable(f"dataref {address!r} does not answer: {error}") from error

    def _drain(self, response: _Readable, address: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._most_bytes:
                raise BadSegment(f"dataref {address!r} holds more than {self._most_bytes} bytes")
            parts.append(chunk)
        return b"".join(parts)


def _lies_under(folder: SplitResult, address: str) -> bool:
    """The same server by the letter, and a path below: no other name that begins alike, no step upwards."""
    try:
        named = urlsplit(address)
    except ValueError:
        return False
    parts = unquote(named.path).split("/")
    within = f"{named.path}/".startswith(f"{folder.path.rstrip('/')}/")
    return (named.scheme, named.netloc) == (folder.scheme, folder.netloc) and within and ".." not in parts
