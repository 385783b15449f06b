"""Who sees the page: a token is given once, in a form or behind the `#` of the address, and becomes a session.

What stands behind a `#` never leaves the browser by itself, so a token is in no log and no referrer. The session is a
pass in a cookie that scripts cannot read; it names no secret, and it ends when the tokens change.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asked

from actors.gateway.bodies import read_body
from actors.gateway.parts import Parts, parts_of
from actors.gateway.problems import Problem
from actors.gateway.tokens import Access, Scope
from actors.page.address import HOME, MOUNT
from actors.page.drawing import draw

_READING: Final[tuple[Scope, ...]] = ("dialogues:read", "events:read")
_STREAMING: Final[tuple[Scope, ...]] = ("segments:write",)
_SESSION_S = 12 * 3600.0
_STREAM_S = 60.0
"""A microphone has to be opened within this."""
_MOST_BYTES = 4096
_POLICY = (
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval'; img-src 'self' data:; font-src 'self' data:; "
    b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Whatever a page holds, it can neither load from nor send to another address."""


def door_router() -> APIRouter:
    """The routes that make a session of a token, and a short pass for a microphone of a session."""
    router = APIRouter(prefix=MOUNT, include_in_schema=False)

    @router.post("/session")
    async def sign_in(request: Request) -> Response:
        parts = parts_of(request)
        parts.rate.take("page")
        body = await read_body(request, most_bytes=_MOST_BYTES, advice="it holds a token")
        form = parse_qs(body.decode(errors="replace"))
        access = parts.tokens.access(form.get("token", [""])[0].strip())
        if access is None or not _may_read(access):
            what = (
                "This token is not known here." if access is None else "This token may not read dialogues and events."
            )
            return _asked(problem=what, status=HTTPStatus.FORBIDDEN)
        answer = RedirectResponse(HOME, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            _cookie(request),
            parts.tokens.lend(access, (*_READING, *_STREAMING), lasts_s=_SESSION_S),
            max_age=round(_SESSION_S),
            path=MOUNT,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        answer = RedirectResponse(HOME, HTTPStatus.SEE_OTHER)
        answer.delete_cookie(_cookie(request), path=MOUNT)
        return answer

    @router.post("/pass")
    async def lend(request: Request) -> Response:
        parts, access = parts_of(request), session(request)
        if access is None or not set(_STREAMING) <= set(access.scopes):
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "this session may not stream: its token lacks a scope")
        parts.rate.take(access.name)
        lent = parts.tokens.lend(access, _STREAMING, lasts_s=_STREAM_S)
        return JSONResponse({"token": lent}, headers={"cache-control": "no-store"})

    return router


def session(connection: HTTPConnection, parts: Parts | None = None) -> Access | None:
    """What whoever sits at the browser may do; None where nobody signed in."""
    access = (parts or parts_of(connection)).tokens.access(connection.cookies.get(_cookie(connection), ""))
    return access if access is not None and _may_read(access) else None


class Door:
    """Lets nobody pass without a session, and says of every answer that it may load nothing from elsewhere."""

    def __init__(self, app: ASGIApp, *, parts: Parts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Pass on, or ask for a token."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif session(HTTPConnection(scope), self._parts) is not None:
            await self._app(scope, receive, _guarded(send))
        elif scope["type"] == "http":
            await _asked(problem=None, status=HTTPStatus.UNAUTHORIZED)(scope, receive, _guarded(send))
        else:
            await send({"type": "websocket.close", "code": 1008})


def _may_read(access: Access) -> bool:
    return set(_READING) <= set(access.scopes)


def _cookie(connection: HTTPConnection) -> str:
    # Cookies know no ports: two gateways of one machine would sign each other out.
    return f"turntone-{connection.url.port or 'page'}"


def _asked(*, problem: str | None, status: HTTPStatus) -> Response:
    return HTMLResponse(
        draw("sign_in", action=f"{MOUNT}/session", problem=problem), status, headers={"cache-control": "no-store"}
    )


def _guarded(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            guards = [
                (b"content-security-policy", _POLICY),
                (b"referrer-policy", b"no-referrer"),
                (b"x-content-type-options", b"nosniff"),
            ]
            message = {**message, "headers": [*message.get("headers", []), *guards]}
        await send(message)

    return sent
