"""What the routes work with: the parts of one gateway, found through the app they are in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from actors.gateway.feed import Feed
from actors.gateway.limits import RateLimit, Room
from actors.gateway.outbound import Outbound
from actors.gateway.tokens import Access, Scope, Tokens
from engine.clock import Clock
from engine.metrics import Metrics
from engine.state.base import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a route may need."""

    tokens: Tokens
    rate: RateLimit
    room: Room
    feed: Feed
    outbound: Outbound
    store: Store
    clock: Clock
    metrics: Metrics
    most_bytes: int
    """Of media in one request."""
    heartbeat_s: float
    reading: Callable[[], bool]
    """Whether the broker answered last."""


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the gateway a request or a WebSocket has come to."""
    parts = connection.app.state.parts
    if not isinstance(parts, Parts):
        raise TypeError("the app was made without parts")
    return parts


def admit(connection: HTTPConnection, *, scope: Scope) -> Access:
    """What the caller's token allows, and one request off its rate. Raises `Problem`."""
    parts = parts_of(connection)
    access = parts.tokens.check(connection.headers.get("authorization"), scope=scope)
    parts.rate.take(access.name)
    return access


def permitted(scope: Scope) -> Callable[..., Awaitable[Access]]:
    """The dependency of a route that asks for a scope."""

    async def check(request: Request) -> Access:
        return admit(request, scope=scope)

    return check


bearer = Depends(HTTPBearer(auto_error=False, description="A token of `[gateway]`, or the one `turntone up` printed."))
"""For the description alone: what is refused, and how, is said in `admit`."""

WithParts = Annotated[Parts, Depends(parts_of)]
