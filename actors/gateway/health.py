"""Whether the gateway is alive, and whether it is of use."""

from http import HTTPStatus

from fastapi import APIRouter
from pydantic import BaseModel

from actors.gateway.parts import WithParts
from actors.gateway.problems import RETRY_S, Problem, responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """A good answer."""

    status: str = "ok"


@router.get("/healthz")
async def alive() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses=responses(503))
async def ready(parts: WithParts) -> Health:
    """The topics are read, up to the newest event."""
    if not parts.feed.ready or not parts.reading():
        detail = "the topics are not being read: the broker is away, or what is kept has not been read yet"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after_s=RETRY_S)
    return Health()
