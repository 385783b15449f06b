"""The figures of the whole stack on the gateway's own address, for Prometheus."""

import asyncio
from collections.abc import Callable
from threading import Lock

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from actors.gateway.parts import bearer, permitted
from actors.gateway.problems import responses

Exposition = Callable[[], bytes]
"""The page in Prometheus' text format; blocks for what it asks."""


def figures_router(make: Callable[[], Exposition], *, guarded: bool) -> APIRouter:
    """`/metrics`. It holds figures and nothing of anybody, and yet how many are angry today is not for everybody.

    make: puts the page together when it is first asked for; it is not light, and many gateways are never asked.
    guarded: asks for a token with the scope `figures:read`; for a gateway that others than this machine can reach.
    """
    wanted = [bearer, Depends(permitted("figures:read"))] if guarded else []
    router, lock = APIRouter(tags=["health"], dependencies=wanted), Lock()
    made: list[Exposition] = []

    def exposition() -> bytes:
        with lock:
            if not made:
                made.append(make())
        return made[0]()

    @router.get("/metrics", response_class=Response, responses=responses(401, 403, 429) if guarded else None)
    async def metrics() -> Response:
        """The figures of broker, store and workers, as Prometheus reads them."""
        return Response(await asyncio.to_thread(exposition), media_type=CONTENT_TYPE_LATEST)

    return router
