"""What a request says of the record it brings: CloudEvents attributes, in the query or as `ce-` headers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import Headers

from actors.gateway.problems import Problem
from engine.clock import Clock
from schemas.segment import Segment, SegmentType

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Attributes(BaseModel):
    """Attributes in a query; text, for what they have to be is said by the message they become."""

    model_config = ConfigDict(extra="forbid")

    sequence: str | None = Field(None, description="Grows for each dialogue and source.", examples=["1"])
    starttime: str | None = Field(None, description="Seconds in the dialogue.", examples=["0"])
    endtime: str | None = Field(None, description="Seconds in the dialogue.", examples=["2.4"])
    speaker: str | None = Field(None, description="Who is heard, where that is known.", examples=["ann"])
    role: str | None = Field(None, description="The role gate decides on it.", examples=["customer"])
    channel: str | None = Field(None, description="Which of a recording's channels it is, from 0.")
    consent: str | None = Field(None, description="What the speaker said: true or false.", examples=["true"])
    source: str | None = Field(None, description="Who sends; by default the name of the token.")
    id: str | None = Field(None, description="By default the sequence.")
    time: str | None = Field(None, description="Wall time of the end; by default now.")
    dataref: str | None = Field(None, description="Address of media too big for a request.")


def attributes_of(query: Attributes, headers: Headers) -> dict[str, str]:
    """The attributes by name; the query before the headers, and the trace from its own header."""
    given = {name: headers[f"ce-{name}"] for name in Attributes.model_fields if f"ce-{name}" in headers}
    trace = headers.get("traceparent", "")
    if _TRACE.fullmatch(trace):
        given["traceparent"] = trace
    return given | {name: value for name, value in query if value is not None}


def segment_of(
    dialogue_id: str,
    given: Mapping[str, Any],
    *,
    type_: SegmentType,
    content_type: str | None,
    source: str,
    clock: Clock,
) -> Segment:
    """The segment that attributes describe. Raises `Problem` naming every attribute that is wrong."""
    fields = {
        "source": source,
        "id": given.get("sequence"),
        "time": datetime.fromtimestamp(clock.wall_s(), UTC),
        **given,
        "dialogue_id": dialogue_id,
        "type": type_,
        "datacontenttype": content_type,
    }
    try:
        return Segment.model_validate(fields)
    except ValidationError as error:
        said = (f"{'.'.join(map(str, one['loc'])) or 'segment'}: {one['msg']}" for one in error.errors())
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "; ".join(said)) from None
