import json
import re

from schemas.cloudevents import event_headers, segment_headers
from schemas.export import asyncapi, json_schemas
from schemas.segment import Segment
from schemas.topics import ALERTS, DIALOGUES, SEGMENT_TYPE, SEGMENTS, TURN_TYPE, TURNS


def references(node):
    if isinstance(node, dict):
        found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return found + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


def resolves(document, reference):
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return True


def test_every_reference_resolves():
    document = asyncapi()
    assert len(references(document)) > 10
    assert all(resolves(document, reference) for reference in references(document))
    for schema in json_schemas().values():
        assert all(resolves(schema, reference) for reference in references(schema))


def test_topics_and_directions():
    document = json.loads(json.dumps(asyncapi()))
    assert document["asyncapi"] == "3.0.0"
    addresses = {name: channel["address"] for name, channel in document["channels"].items()}
    assert {SEGMENTS, TURNS, DIALOGUES} <= set(addresses.values())
    actions = {addresses[name]: operation["action"] for name, operation in document["operations"].items()}
    assert (actions[SEGMENTS], actions[TURNS], actions[ALERTS]) == ("receive", "send", "send")


def described(name):
    return asyncapi()["components"]["messages"][name]["headers"]


def test_headers_are_those_that_are_written():
    segment = Segment(
        dialogue_id="d", id="1", source="/s", type=SEGMENT_TYPE, sequence=1, starttime=0.0, endtime=1.0,
        datacontenttype="audio/wav", speaker="Ann", role="customer", consent=True, time="2026-01-01T00:00:00Z",
    )  # fmt: skip
    written = {name for name, _ in segment_headers(segment)}
    assert set(described("segment")["required"]) <= written <= set(described("segment")["properties"])
    written = {name for name, _ in event_headers(event_id="e", event_type=TURN_TYPE, dialogue_id="d")}
    assert set(described("turn")["required"]) <= written | {"ce_time"}
    assert written <= {*described("turn")["properties"], "content-type"}


def test_the_key_is_described():
    pattern = asyncapi()["components"]["messages"]["turn"]["bindings"]["kafka"]["key"]["pattern"]
    assert re.search(pattern, "call-1.r1")
    assert not re.search(pattern, "call 1")


def test_schemas_name_every_field_of_the_event():
    event = json_schemas()["EmotionEvent"]
    assert {"label", "distribution", "confidence", "weights", "policy", "state"} <= set(event["properties"])
