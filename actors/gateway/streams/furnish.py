"""Live streams as part of the gateway: its tokens, its way to the broker, its configuration."""

from fastapi import APIRouter

from actors.endpointing import endpoint_of
from actors.gateway.parts import Parts
from actors.gateway.streams.proof import TwilioProof
from actors.gateway.streams.router import streams_router
from actors.gateway.streams.streams import StreamSettings
from engine.config import Config


def live_streams(config: Config, parts: Parts) -> APIRouter:
    """The routes of live streams, for whoever has a token with the scope `segments:write`."""

    def authorised(token: str | None) -> bool:
        access = None if token is None else parts.tokens.access(token)
        return access is not None and "segments:write" in access.scopes

    twilio = config.gateway.twilio
    return streams_router(
        send=parts.outbound.send,
        authorise=authorised,
        settings=StreamSettings(
            endpoint=endpoint_of(config.ingest), unheard_s=config.ingest.unheard_s, idle_s=config.dialogue.idle_s
        ),
        clock=parts.clock,
        metrics=parts.metrics,
        proof=TwilioProof(auth_token=twilio.auth_token.get_secret_value(), url=twilio.url) if twilio else None,
    )
