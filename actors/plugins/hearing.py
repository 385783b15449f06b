"""Turns and alerts of one person as they come, for programs that live on an event loop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from random import Random
from typing import Final

import httpx2

from actors.client import Refused, refused
from actors.plugins.uplink import Gateway
from engine.errors import Unavailable
from engine.ingest.reconnect import Backoff
from schemas.events import AlertEvent, EmotionEvent

_SILENCE_S = 60.0
"""A stream in which not even a heartbeat came for so long is dead."""
_KINDS: Final[Mapping[str, type[EmotionEvent] | type[AlertEvent]]] = {"turn": EmotionEvent, "alert": AlertEvent}

_log = logging.getLogger(__name__)


async def hear(
    *, gateway: Gateway, dialogue_id: str, speaker: str, backoff: Backoff, random: Random
) -> AsyncIterator[EmotionEvent | AlertEvent]:
    """What is said of a speaker from now on, for ever; a connection that breaks is made again where it broke.

    Raises `Refused` for what trying again does not help, and the last error where the attempts run out.
    """
    query = {"dialogue": dialogue_id, "speaker": speaker, "kind": list(_KINDS)}
    last_id: str | None = None
    failed = 0
    async with httpx2.AsyncClient(
        base_url=gateway.url, headers=gateway.headers, timeout=_SILENCE_S, trust_env=False
    ) as http:
        while True:
            try:
                async for said in _connection(http, query, last_id):
                    failed, last_id = 0, said.get("id", last_id)
                    kind = _KINDS.get(said.get("event", ""))
                    if kind is not None:
                        yield kind.model_validate_json(said["data"])
            except (Unavailable, Refused) as error:
                failed += 1
                if not error.retryable or backoff.exhausted(failed):
                    raise
                if failed == 1:
                    _log.warning("%s; it is tried again", error)
            await asyncio.sleep(backoff.wait_s(max(1, failed), random))


async def _connection(
    http: httpx2.AsyncClient, query: Mapping[str, str | Sequence[str]], last_id: str | None
) -> AsyncIterator[Mapping[str, str]]:
    """The fields of each event of one connection; a heartbeat is an event, too."""
    headers = {} if last_id is None else {"last-event-id": last_id}
    said: dict[str, str] = {}
    try:
        async with http.stream("GET", "/v1/events", params=query, headers=headers) as answer:
            if answer.is_error:
                await answer.aread()
                raise refused(answer)
            async for line in answer.aiter_lines():
                if not line:
                    yield said
                    said = {}
                name, _, value = line.partition(":")
                if name:
                    said[name] = value.removeprefix(" ")
    except httpx2.TransportError as error:
        raise Unavailable(f"the gateway at {http.base_url} does not answer: {error}") from error
