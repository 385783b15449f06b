"""Server-sent events: turns, dialogues and alerts as they come, resumed where a connection broke."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse

from actors.gateway.cursor import Offsets, read_cursor
from actors.gateway.parts import WithParts, bearer, permitted
from actors.gateway.problems import RETRY_S, Problem, responses
from actors.gateway.subscription import Ended, Subscription
from actors.gateway.tokens import Access
from actors.gateway.told import Kind, Told, Wanted
from engine.errors import TransportUnavailable
from engine.metrics import Metrics

MEDIA_TYPE = "text/event-stream"
_REASONS = {
    "slow": "you read too slowly and lost your place in memory; connect again with the last id, and nothing is lost",
    "closing": "the gateway closes; connect again with the last id, and nothing is lost",
    "unavailable": "the broker is away; connect again with the last id, and nothing is lost",
}
_GAP = "some of what came after your last id is not kept any more"
_EXAMPLE = 'id: alerts=0;dialogues=2;turns=15\nevent: turn\ndata: {"dialogue_id":"call-7","turn":4,"label":"anger"}\n\n'
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "An endless stream.", "content": {MEDIA_TYPE: {"example": _EXAMPLE}}},
    **responses(400, 401, 403, 422, 429, 503),
}

router = APIRouter(tags=["events"], dependencies=[bearer])
Names = Annotated[list[str], Query(default_factory=list, description="May be given more than once.")]


@router.get("/v1/events", responses=_STREAM, response_class=StreamingResponse)
async def stream_events(
    parts: WithParts,
    access: Annotated[Access, Depends(permitted("events:read"))],
    dialogue: Names,
    speaker: Names,
    label: Names,
    kind: Annotated[list[Kind], Query(default_factory=list, description="May be given more than once.")],
    last_event_id: Annotated[str | None, Header(description="The id of the last event that was heard.")] = None,
    from_beginning: Annotated[bool, Query(description="Everything that is kept, then what comes.")] = False,
) -> StreamingResponse:
    """Listen to turns, dialogues and alerts.

    Who comes back with `Last-Event-ID` is told everything that came since, in order within a dialogue and nothing
    twice. An event `end` says why the stream ends; an event `gap` that some of what was asked for is kept no more.
    """
    if not parts.feed.ready:
        detail = "what is kept has not been read yet"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after_s=RETRY_S)
    wanted = Wanted(kinds=set(kind), dialogues=set(dialogue), speakers=set(speaker), labels=set(label))
    subscription = await parts.feed.subscribe(wanted, after=_after(last_event_id, from_beginning=from_beginning))
    lines = _lines(subscription, heartbeat_s=parts.heartbeat_s, metrics=parts.metrics)
    return StreamingResponse(lines, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})


def _after(last_event_id: str | None, *, from_beginning: bool) -> Offsets | None:
    if not last_event_id:
        return {} if from_beginning else None
    try:
        return read_cursor(last_event_id)
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "unknown-id", f"Last-Event-ID {error}") from None


async def _lines(subscription: Subscription, *, heartbeat_s: float, metrics: Metrics) -> AsyncIterator[bytes]:
    reason = "unavailable"
    try:
        yield b"retry: 1000\n"
        yield _line("gap", _GAP) if subscription.gap else _beat(subscription)
        while True:
            batch = await subscription.read(timeout_s=heartbeat_s)
            yield _frames(batch) if batch else _beat(subscription)
    except Ended as ended:
        reason = ended.reason
        metrics.count(f"gateway_ended:{reason}")
        yield _line("end", _REASONS[reason])
    except TransportUnavailable:
        yield _line("end", _REASONS[reason])
    finally:
        subscription.close()


def _frames(batch: Sequence[Told]) -> bytes:
    return b"".join(
        # Between the tokens of JSON a line break is a space.
        b"id: %b\nevent: %b\ndata: %b\n\n"
        % (told.id.encode(), told.kind.encode(), told.value.replace(b"\r", b" ").replace(b"\n", b" "))
        for told in batch
    )


def _beat(subscription: Subscription) -> bytes:
    """Shows that the line is open, and tells a place to resume from where little of what comes is wanted."""
    return f": alive\nid: {subscription.position}\n\n".encode()


def _line(event: str, detail: str) -> bytes:
    return f'event: {event}\ndata: {{"detail": "{detail}"}}\n\n'.encode()
