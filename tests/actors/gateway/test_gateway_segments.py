import httpx2
import pytest

from actors.client import Refused
from schemas.cloudevents import read_segment
from schemas.segment import DialogueStarted, Participant
from schemas.topics import ENDED_TYPE, MAX_SEGMENT_BYTES, SEGMENTS, STARTED_TYPE
from tests.actors.gateway.opened import LISTENER, OWNER, Log, gateway

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def push(client, dialogue_id="call", media=b"RIFF", content_type="audio/wav", **attributes):
    given = {"sequence": 1, "start_s": 0.0, "end_s": 2.0, **attributes}
    return client.push(dialogue_id, media, content_type=content_type, **given)


def post(client, path, *, token=OWNER, **request):
    """As a client of another make would."""
    headers = {"authorization": f"Bearer {token}", **request.pop("headers", {})}
    return httpx2.post(f"{client.url}{path}", headers=headers, trust_env=False, **request)


def record_at(log, accepted):
    records = log.broker.records(accepted.topic)
    place = (accepted.partition, accepted.offset)
    return next(one for one in records if (one.position.partition, one.position.offset) == place)


def test_what_is_posted_stands_where_the_answer_says(shared):
    log, client = shared
    accepted = push(client, "stands", b"media", speaker="ann", role="customer", consent=True, traceparent=TRACE)
    record = record_at(log, accepted)
    assert accepted.topic == SEGMENTS
    assert record.value == b"media"
    segment = read_segment(record.key, record.headers)
    assert (segment.dialogue_id, segment.sequence, segment.endtime) == ("stands", 1, 2.0)
    assert (segment.speaker, segment.role, segment.consent) == ("ann", "customer", True)
    assert (segment.source, segment.id, segment.traceparent) == ("/gateway/owner", "1", TRACE)
    assert segment.datacontenttype == "audio/wav"
    assert segment.time is not None


def test_attributes_may_come_as_headers(shared):
    log, client = shared
    headers = {
        "ce-sequence": "7",
        "ce-starttime": "3",
        "ce-endtime": "4",
        "ce-source": "/pbx",
        "content-type": "audio/ogg",
    }
    answer = post(client, "/v1/dialogues/headed/segments", content=b"ogg", headers=headers)
    assert answer.status_code == 202
    record = next(one for one in log.broker.records(SEGMENTS) if one.key == "headed")
    segment = read_segment(record.key, record.headers)
    assert (segment.sequence, segment.source, segment.starttime) == (7, "/pbx", 3.0)


def test_media_elsewhere_needs_no_body(shared):
    log, client = shared
    accepted = push(client, "elsewhere", b"", dataref="s3://calls/7.wav")
    assert record_at(log, accepted).value is None


def test_a_dialogue_is_started_and_ended(shared):
    log, client = shared
    started = client.start("lived", participants=[Participant(speaker="ann", role="customer")])
    ended = client.end("lived", reason="hung up")
    records = [record_at(log, one) for one in (started, ended)]
    assert [read_segment(one.key, one.headers).type for one in records] == [STARTED_TYPE, ENDED_TYPE]
    assert DialogueStarted.model_validate_json(records[0].value).participants[0].speaker == "ann"
    assert b"hung up" in records[1].value
    assert started.sequence <= ended.sequence


@pytest.mark.parametrize(
    ("attributes", "status", "said"),
    [
        ({"sequence": -1}, 422, "sequence"),
        ({"end_s": 0.0}, 422, "not after starttime"),
        ({"media": b""}, 422, "dataref"),
        ({"dialogue_id": "no%20name"}, 422, "dialogue_id"),
        ({"content_type": "multipart/form-data; boundary=x"}, 415, "the media itself"),
        ({"content_type": "application/json"}, 415, "the media itself"),
        ({"media": bytes(MAX_SEGMENT_BYTES + 1)}, 413, "dataref"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_published(shared, attributes, status, said):
    log, client = shared
    before = len(log.broker.records(SEGMENTS))
    with pytest.raises(Refused, match=said) as caught:
        push(client, **attributes)
    assert caught.value.problem.status == status
    assert not caught.value.retryable
    assert len(log.broker.records(SEGMENTS)) == before


def test_an_attribute_that_is_none_is_not_swallowed(shared):
    _, client = shared
    answer = post(client, "/v1/dialogues/d/segments?number=1", content=b"x", headers={"content-type": "audio/wav"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "number" in answer.json()["detail"]


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off_too():
    log = Log()
    with gateway(log, most_bytes=1000) as client:
        chunks = (bytes(100) for _ in range(20))
        path = "/v1/dialogues/d/segments?sequence=1&starttime=0&endtime=1"
        answer = post(client, path, content=chunks, headers={"content-type": "audio/wav"})
    assert answer.status_code == 413
    assert log.broker.records(SEGMENTS) == ()


def test_words_that_are_no_json_are_refused(shared):
    _, client = shared
    answer = post(client, "/v1/dialogues/d/start", content=b"{'no': json")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:turntone:problem:malformed")
    answer = post(client, "/v1/dialogues/d/end", content=bytes(1024 * 1024))
    assert answer.status_code == 413


def test_a_scope_is_asked_for(shared):
    _, client = shared
    path = "/v1/dialogues/d/segments?sequence=1&starttime=0&endtime=1"
    media = {"content": b"x", "headers": {"content-type": "audio/wav"}}
    lacking = post(client, path, token=LISTENER, **media)
    assert (lacking.status_code, lacking.json()["title"]) == (403, "Forbidden")
    assert "segments:write" in lacking.headers["www-authenticate"]
    unknown = post(client, path, token=LISTENER[::-1], **media)
    assert unknown.status_code == 401
    assert unknown.headers["www-authenticate"].startswith("Bearer")


def test_too_many_requests_are_told_when_to_come_again():
    with gateway(Log(), requests_per_s=0.01, burst=2) as client:
        push(client)
        push(client, sequence=2)
        with pytest.raises(Refused) as caught:
            push(client, sequence=3)
    assert caught.value.problem.status == 429
    assert 90 <= caught.value.retry_after_s <= 101
