"""Media, taken in over HTTP and published as it is; nothing is decoded here."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from actors.gateway.accepting import accept
from actors.gateway.answers import Accepted
from actors.gateway.attributes import Attributes, attributes_of, segment_of
from actors.gateway.bodies import declared_bytes, read_body
from actors.gateway.parts import WithParts, bearer, permitted
from actors.gateway.problems import Problem, responses
from actors.gateway.tokens import Access
from schemas.segment import DialogueId
from schemas.topics import SEGMENT_TYPE

_MEDIA = re.compile(r"(audio|video)/[\w.+-]+|application/(ogg|mp4|x-matroska|octet-stream)", re.IGNORECASE)
_BY_REFERENCE = "put larger media where the workers can read it and send its address in `dataref`"
_REFUSALS = responses(401, 403, 408, 413, 415, 422, 429, 503)
_BODY: dict[str, Any] = {
    "requestBody": {
        "description": "The media itself, about one utterance; empty where `dataref` names it.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("audio/wav", "audio/flac", "audio/ogg", "audio/basic", "video/mp4", "video/webm")
        },
    }
}

Writer = Annotated[Access, Depends(permitted("segments:write"))]
Id = Annotated[DialogueId, Path(description="Id of the dialogue.", examples=["call-7"])]

router = APIRouter(tags=["segments"], dependencies=[bearer])


@router.post("/v1/dialogues/{dialogue_id}/segments", status_code=202, responses=_REFUSALS, openapi_extra=_BODY)
async def take_segment(
    dialogue_id: Id, request: Request, parts: WithParts, access: Writer, query: Annotated[Attributes, Query()]
) -> Accepted:
    """Send about one utterance; the answer comes when the broker has it.

    Attributes are those of CloudEvents, in the query or as `ce-` headers. Sending the same `sequence` again is safe.
    """
    given = attributes_of(query, request.headers)
    content_type = request.headers.get("content-type")
    segment = segment_of(
        dialogue_id,
        given,
        type_=SEGMENT_TYPE,
        content_type=content_type,
        source=f"/gateway/{access.name}",
        clock=parts.clock,
    )
    most_bytes = parts.most_bytes
    with parts.room.taken(min(declared_bytes(request, most_bytes=most_bytes), most_bytes)):
        media = await read_body(request, most_bytes=most_bytes, advice=_BY_REFERENCE)
        if not media and segment.dataref is None:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "the body is empty and there is no `dataref`")
        if media and not _MEDIA.fullmatch((content_type or "").partition(";")[0].strip()):
            detail = f"the content type is {content_type}; send the media itself as the body, named as what it is"
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
        return await accept(parts, segment, media or None)
