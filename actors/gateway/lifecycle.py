"""Word that a dialogue starts or ends, taken in over HTTP."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ValidationError

from actors.gateway.accepting import accept
from actors.gateway.answers import Accepted
from actors.gateway.attributes import Attributes, attributes_of, segment_of
from actors.gateway.bodies import read_body
from actors.gateway.parts import Parts, WithParts, bearer
from actors.gateway.problems import Problem, responses
from actors.gateway.segments import Id, Writer
from actors.gateway.tokens import Access
from schemas.cloudevents import JSON
from schemas.segment import DialogueEnded, DialogueStarted, SegmentType
from schemas.topics import ENDED_TYPE, MIB, STARTED_TYPE

_MOST_BYTES = MIB // 4
_REFUSALS = responses(401, 403, 408, 413, 422, 429, 503)

router = APIRouter(tags=["segments"], dependencies=[bearer])


def _body(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    content = {JSON: {"schema": model.model_json_schema(), "example": example}}
    return {"requestBody": {"required": False, "content": content}}


@router.post(
    "/v1/dialogues/{dialogue_id}/start",
    status_code=202,
    responses=_REFUSALS,
    openapi_extra=_body(DialogueStarted, {"participants": [{"speaker": "ann", "role": "customer", "consent": True}]}),
)
async def start_dialogue(
    dialogue_id: Id, request: Request, parts: WithParts, access: Writer, query: Annotated[Attributes, Query()]
) -> Accepted:
    """Say who takes part, before the first segment; a dialogue may also begin with its first segment."""
    return await _take(dialogue_id, request, parts, access, query, type_=STARTED_TYPE, model=DialogueStarted)


@router.post(
    "/v1/dialogues/{dialogue_id}/end",
    status_code=202,
    responses=_REFUSALS,
    openapi_extra=_body(DialogueEnded, {"reason": "hung up"}),
)
async def end_dialogue(
    dialogue_id: Id, request: Request, parts: WithParts, access: Writer, query: Annotated[Attributes, Query()]
) -> Accepted:
    """Say that a dialogue is over; a silent one ends by itself."""
    return await _take(dialogue_id, request, parts, access, query, type_=ENDED_TYPE, model=DialogueEnded)


async def _take(
    dialogue_id: str,
    request: Request,
    parts: Parts,
    access: Access,
    query: Attributes,
    *,
    type_: SegmentType,
    model: type[DialogueStarted] | type[DialogueEnded],
) -> Accepted:
    body = await read_body(request, most_bytes=_MOST_BYTES, advice="it holds participants or a reason")
    try:
        value = model.model_validate_json(body or b"{}")
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", said) from None
    # A source of its own, in which time is the sequence: nobody has to count along with the segments.
    now = str(round(parts.clock.wall_s() * 1000))
    segment = segment_of(
        dialogue_id,
        {"sequence": now, **attributes_of(query, request.headers)},
        type_=type_,
        content_type=JSON,
        source=f"/gateway/{access.name}/life",
        clock=parts.clock,
    )
    return await accept(parts, segment, value.model_dump_json(exclude={"version"}).encode())
