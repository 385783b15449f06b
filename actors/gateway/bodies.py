"""The body of a request, read with a limit and a deadline."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request

from actors.gateway.problems import Problem

_DEADLINE_S = 60.0


async def read_body(request: Request, *, most_bytes: int, advice: str) -> bytes:
    """All of it. Raises `Problem` for more than `most_bytes`, before it is read where its length is told."""
    if declared_bytes(request, most_bytes=most_bytes) > most_bytes:
        raise too_large(most_bytes, advice)
    body = bytearray()
    try:
        async with asyncio.timeout(_DEADLINE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise too_large(most_bytes, advice)
    except TimeoutError:
        detail = f"the body did not come within {_DEADLINE_S:.0f} s"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "timeout", detail, connection="close") from None
    return bytes(body)


def declared_bytes(request: Request, *, most_bytes: int) -> int:
    """How long the body says it is; `most_bytes` where it does not."""
    told = request.headers.get("content-length", "")
    return int(told) if told.isdecimal() else most_bytes


def too_large(most_bytes: int, advice: str) -> Problem:
    """The refusal of a body."""
    detail = f"the body has more than the {most_bytes} bytes that are taken; {advice}"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, connection="close")
