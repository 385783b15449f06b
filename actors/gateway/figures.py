"""The figures of the whole stack on the gateway's own address, for Prometheus."""

import asyncio
from collections.abc import Callable
from threading import Lock

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

Exposition = Callable[[], bytes]
"""The page in Prometheus' text format; blocks for what it asks."""


def figures_router(make: Callable[[], Exposition]) -> APIRouter:
    """`/metrics`. It holds figures and nothing of anybody, so it asks for no token.

    make: puts the page together when it is first asked for; it is not light, and many gateways are never asked.
    """
    router, lock = APIRouter(tags=["health"]), Lock()
    made: list[Exposition] = []

    def exposition() -> bytes:
        with lock:
            if not made:
                made.append(make())
        return made[0]()

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """The figures of broker, store and workers, as Prometheus reads them."""
        return Response(await asyncio.to_thread(exposition), media_type=CONTENT_TYPE_LATEST)

    return router
