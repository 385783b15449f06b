"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_*` headers, the value is the media or the JSON itself."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import ValidationError

from schemas.segment import Segment

Headers = tuple[tuple[str, bytes], ...]

SPEC_VERSION = "1.0"
CONTENT_TYPE = "content-type"
JSON = "application/json"

# Attribute name on the wire -> field of `Segment`, for every attribute that is plain text there.
_TEXT = ("id", "source", "type", "speaker", "role", "channel", "dataref", "traceparent", "redriveof")
_NUMBERS = ("sequence", "starttime", "endtime")


class MalformedHeaders(ValueError):
    """The attributes of a record are missing or cannot be read; the message says which and why."""


def segment_headers(segment: Segment) -> Headers:
    """The headers of a record of `turntone.segments`; its key is `segment.dialogue_id`."""
    headers = {"specversion": SPEC_VERSION}
    for name in (*_TEXT, *_NUMBERS):
        value = getattr(segment, name)
        if value is not None:
            headers[name] = str(value)
    if segment.time is not None:
        headers["time"] = segment.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if segment.consent is not None:
        headers["consent"] = "true" if segment.consent else "false"
    return _encode(headers, content_type=segment.datacontenttype)


def event_headers(
    *,
    event_id: str,
    event_type: str,
    dialogue_id: str,
    time: datetime | None = None,
    content_type: str = JSON,
    traceparent: str | None = None,
) -> Headers:
    """The headers of a record Turntone publishes about a dialogue."""
    headers = {
        "specversion": SPEC_VERSION,
        "id": event_id,
        "source": "/turntone",
        "type": event_type,
        "subject": dialogue_id,
    }
    if time is not None:
        headers["time"] = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return _encode(headers, content_type=content_type)


def read_segment(key: str | None, headers: Iterable[tuple[str, bytes]]) -> Segment:
    """The segment that a record's key and headers describe.

    Raises `MalformedHeaders` with a sentence that names every attribute that is wrong.
    """
    attributes = read_attributes(headers)
    if key is None:
        raise MalformedHeaders("the record has no key; the key is the dialogue's id")
    version = attributes.pop("specversion", None)
    if version != SPEC_VERSION:
        raise MalformedHeaders(f"ce_specversion is {version!r}; Turntone reads CloudEvents {SPEC_VERSION}")
    subject = attributes.get("subject")
    if subject is not None and subject != key:
        raise MalformedHeaders(f"ce_subject {subject!r} is not the record's key {key!r}")
    fields = {name: attributes[name] for name in (*_TEXT, *_NUMBERS, "time", "consent") if name in attributes}
    fields["dialogue_id"] = key
    if CONTENT_TYPE in attributes:
        fields["datacontenttype"] = attributes[CONTENT_TYPE]
    try:
        return Segment.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(_problem(detail["loc"], detail["msg"]) for detail in error.errors())
        raise MalformedHeaders(problems) from error


def read_attributes(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """CloudEvents attributes by their bare names, and `content-type`; other headers are left out."""
    attributes: dict[str, str] = {}
    for name, raw in headers:
        lowered = name.lower()
        bare = lowered.removeprefix("ce_")
        if bare == lowered and lowered != CONTENT_TYPE:
            continue
        try:
            attributes[bare] = raw.decode()
        except UnicodeDecodeError as error:
            raise MalformedHeaders(f"header {name} is not UTF-8") from error
    return attributes


def _encode(headers: dict[str, str], *, content_type: str | None) -> Headers:
    encoded = [(f"ce_{name}", value.encode()) for name, value in headers.items()]
    if content_type is not None:
        encoded.append((CONTENT_TYPE, content_type.encode()))
    return tuple(encoded)


def _problem(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]) if location else "segment"
    label = {"dialogue_id": "key", "datacontenttype": CONTENT_TYPE}.get(name, name if not location else f"ce_{name}")
    return f"{label}: {message.removeprefix('Value error, ')}"
