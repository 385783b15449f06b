"""The body of a request, read with a limit and a deadline."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import Request

from actors.gateway.problems import Problem

_DEADLINE_S = 60.0
_LINGER_S = 5.0


async def read_body(request: Request, *, most_bytes: int, advice: str) -> bytes:
    """All of it. Raises `Problem` for more than `most_bytes`, before it is read where its length is told."""
    chunks = request.stream()
    if declared_bytes(request, most_bytes=most_bytes) > most_bytes:
        await _let_pass(chunks, most_bytes=most_bytes)
        raise too_large(most_bytes, advice)
    body = bytearray()
    try:
        async with asyncio.timeout(_DEADLINE_S):
            async for chunk in chunks:
                body += chunk
                if len(body) > most_bytes:
                    body.clear()
                    await _let_pass(chunks, most_bytes=most_bytes)
                    raise too_large(most_bytes, advice)
    except TimeoutError:
        detail = f"the body did not come within {_DEADLINE_S:.0f} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "timeout", detail, connection="close") from None
    return bytes(body)


async def _let_pass(chunks: AsyncIterator[bytes], *, most_bytes: int) -> None:
    """Read on for a moment and keep nothing: who is still sending when the connection closes never sees the answer."""
    passed = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            async for chunk in chunks:
                passed += len(chunk)
                if passed > 2 * most_bytes:
                    return


def declared_bytes(request: Request, *, most_bytes: int) -> int:
    """How long the body says it is; `most_bytes` where it does not."""
    told = request.headers.get("content-length", "")
    return int(told) if told.isdecimal() else most_bytes


def too_large(most_bytes: int, advice: str) -> Problem:
    """The refusal of a body."""
    detail = f"the body has more than the {most_bytes} bytes that are taken; {advice}"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, connection="close")
