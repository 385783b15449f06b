"""The wire contract for other languages: JSON Schema of every message, AsyncAPI 3 of the topics."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from schemas.cloudevents import JSON
from schemas.events import AlertEvent, DialogueEvent, EmotionEvent
from schemas.segment import DialogueEnded, DialogueStarted, Segment
from schemas.topics import (
    ALERT_TYPE,
    ALERTS,
    DEAD_LETTER_TYPE,
    DEAD_LETTERS,
    DIALOGUE_ID,
    DIALOGUES,
    ENDED_TYPE,
    LIFECYCLE_TYPE,
    MAX_SEGMENT_BYTES,
    MIB,
    SEGMENT_TYPE,
    SEGMENTS,
    STARTED_TYPE,
    TURN_TYPE,
    TURNS,
)

Schema = dict[str, Any]

_MESSAGES: Final[Mapping[str, type[BaseModel]]] = {
    "Segment": Segment,
    "DialogueStarted": DialogueStarted,
    "DialogueEnded": DialogueEnded,
    "EmotionEvent": EmotionEvent,
    "DialogueEvent": DialogueEvent,
    "AlertEvent": AlertEvent,
}
_EVENT_HEADERS: Final = ("specversion", "id", "source", "type", "subject", "time")
_DEAD_LETTER_NOTES: Final = {
    "turntone_id": "id of the dead letter",
    "turntone_type": DEAD_LETTER_TYPE,
    "turntone_error": "what was wrong",
    "turntone_stage": "where it was noticed",
    "turntone_attempts": "how often it was tried alone",
    "turntone_position": "where the original record stands",
    "turntone_media": "why the media is not here, where it is not",
}


def json_schemas() -> dict[str, Schema]:
    """JSON Schema 2020-12 of every message by name. `Segment` is what the headers of a segment say."""
    return {name: {"$id": f"urn:turntone:{name}", **model.model_json_schema()} for name, model in _MESSAGES.items()}


def asyncapi() -> Schema:
    """AsyncAPI 3.0 of the topics: what Turntone receives and what it sends."""
    messages = {
        "segment": _message(SEGMENT_TYPE, _segment_headers(media=True), _media(), content_type=None),
        "dialogueStarted": _message(STARTED_TYPE, _segment_headers(media=False), _reference("DialogueStarted")),
        "dialogueEnded": _message(ENDED_TYPE, _segment_headers(media=False), _reference("DialogueEnded")),
        "turn": _message(TURN_TYPE, _event_headers(TURN_TYPE), _reference("EmotionEvent")),
        "dialogue": _message(LIFECYCLE_TYPE, _event_headers(LIFECYCLE_TYPE), _reference("DialogueEvent")),
        "alert": _message(ALERT_TYPE, _event_headers(ALERT_TYPE), _reference("AlertEvent")),
        "deadLetter": _message(DEAD_LETTER_TYPE, _dead_letter_headers(), _media(), content_type=None),
    }
    channels = {
        "segments": _channel(SEGMENTS, "segment", "dialogueStarted", "dialogueEnded"),
        "turns": _channel(TURNS, "turn"),
        "dialogues": _channel(DIALOGUES, "dialogue"),
        "alerts": _channel(ALERTS, "alert"),
        "deadLetters": _channel(DEAD_LETTERS, "deadLetter"),
    }
    operations = {
        name: {"action": "receive" if name == "segments" else "send", "channel": {"$ref": f"#/channels/{name}"}}
        for name in channels
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Turntone",
            "version": "1",
            "description": "Utterance segments in, one emotion event a turn out. CloudEvents 1.0, Kafka binary mode: "
            "attributes in `ce_*` headers, the key is the dialogue's id.",
        },
        "defaultContentType": JSON,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _components()},
    }


def _components() -> Schema:
    """The values' schemas side by side, without nested definitions, as AsyncAPI wants them."""
    schemas: Schema = {}
    for name, model in _MESSAGES.items():
        if name == "Segment":
            continue
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[name] = schema
    return schemas


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _channel(topic: str, *messages: str) -> Schema:
    return {"address": topic, "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages}}


def _message(name: str, headers: Schema, payload: Schema, *, content_type: str | None = JSON) -> Schema:
    key = {"type": "string", "pattern": f"^{DIALOGUE_ID.pattern}$", "description": "id of the dialogue"}
    message: Schema = {"name": name, "headers": headers, "payload": payload, "bindings": {"kafka": {"key": key}}}
    return message if content_type is None else {**message, "contentType": content_type}


def _media() -> Schema:
    return {
        "type": "string",
        "format": "binary",
        "maxLength": MAX_SEGMENT_BYTES,
        "description": f"encoded media, at most {MAX_SEGMENT_BYTES // MIB} MiB; what it is stands in content-type",
    }


def _segment_headers(*, media: bool) -> Schema:
    """`Segment` as it stands in headers: every value is text, dialogue id and media type have other names."""
    described = Segment.model_json_schema()["properties"]
    properties: Schema = {"ce_specversion": {"type": "string", "const": "1.0"}}
    for name, field in described.items():
        if name in {"dialogue_id", "datacontenttype"}:
            continue
        text: Schema = {"type": "string"}
        if "description" in field:
            text["description"] = field["description"]
        properties[f"ce_{name}"] = text
    types = [SEGMENT_TYPE] if media else [STARTED_TYPE, ENDED_TYPE]
    properties["ce_type"] = {"type": "string", "enum": types}
    properties["content-type"] = {"type": "string"} if media else {"type": "string", "const": JSON}
    required = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_sequence"]
    if media:
        required += ["ce_starttime", "ce_endtime"]
    return {"type": "object", "properties": properties, "required": required}


def _event_headers(type_: str) -> Schema:
    properties: Schema = {f"ce_{name}": {"type": "string"} for name in _EVENT_HEADERS}
    properties["ce_type"] = {"type": "string", "const": type_}
    if type_ == TURN_TYPE:
        properties["turntone_stages_ms"] = {"type": "string", "description": "JSON: milliseconds a stage in this run"}
    required = [f"ce_{name}" for name in _EVENT_HEADERS if name != "time"]
    return {"type": "object", "properties": properties, "required": required}


def _dead_letter_headers() -> Schema:
    notes = {name: {"type": "string", "description": meaning} for name, meaning in _DEAD_LETTER_NOTES.items()}
    required = [name for name in _DEAD_LETTER_NOTES if name != "turntone_media"]
    return {"type": "object", "properties": notes, "required": required}
