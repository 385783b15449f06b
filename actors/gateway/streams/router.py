"""The routes of live streams, for the gateway's app to include."""

from fastapi import APIRouter, WebSocket

from actors.gateway.streams.live import live
from actors.gateway.streams.proof import TwilioProof
from actors.gateway.streams.stream import Send
from actors.gateway.streams.streams import Authorise, Streams, StreamSettings
from actors.gateway.streams.telephone import telephone
from engine.clock import Clock
from engine.metrics import Metrics


def streams_router(
    *,
    send: Send,
    authorise: Authorise,
    settings: StreamSettings,
    clock: Clock,
    metrics: Metrics,
    proof: TwilioProof | None = None,
) -> APIRouter:
    """`/v1/streams` and `/v1/twilio`; see `Streams` for the parts.

    proof: what Twilio's requests have to be signed with; None: they need not be.
    """
    streams, router = (
        Streams(send=send, authorise=authorise, settings=settings, clock=clock, metrics=metrics),
        APIRouter(),
    )

    @router.websocket("/v1/streams")
    async def live_stream(websocket: WebSocket) -> None:
        await live(websocket, streams)

    @router.websocket("/v1/twilio")
    async def twilio_stream(websocket: WebSocket) -> None:
        await telephone(websocket, streams, proof)

    return router
