"""What the gateway says of dialogues, of itself, and when something is wrong."""

import httpx2
import pytest

from actors.client import Client, Refused
from engine.errors import PublishFailed, TransportUnavailable, Unavailable
from engine.transport.base import Outgoing
from schemas.events import DialogueEvent
from schemas.record import DialogueRecord, Position
from schemas.segment import Participant
from schemas.topics import DIALOGUES
from tests.actors.gateway.opened import OWNER, Log, gateway, soon


@pytest.fixture(scope="module")
def told():
    log = Log()
    log.say("first", 0, speaker="ann")
    log.say("first", 1, speaker="ben", label="anger")
    log.say("second", 0)
    ended = DialogueEvent(event_id="e", dialogue_id="second", status="ended", turns=1)
    log.broker.append(Outgoing(DIALOGUES, "second", ended.model_dump_json().encode()))
    record = DialogueRecord(
        dialogue_id="first",
        version=1,
        incarnation="i",
        position=Position(topic="t", partition=0, offset=1),
        roster={"ann": Participant(speaker="ann", role="customer")},
        turns=2,
        model_id="m",
        state=b"what the models keep of voices",
    )
    log.store.commit([record], ttl_s=1000.0)
    with gateway(log) as client:
        yield client


def get(client, path, **headers):
    given = {"authorization": f"Bearer {OWNER}", **headers}
    return httpx2.get(f"{client.url}{path}", headers=given, trust_env=False)


def test_dialogues_are_listed(told):
    lines = {line.dialogue_id: line for line in told.dialogues()}
    assert set(lines) == {"first", "second"}
    assert (lines["first"].turns, lines["first"].speakers, lines["first"].last_label) == (2, ["ann", "ben"], "anger")
    assert lines["first"].end_s == 3.5
    assert [line.dialogue_id for line in told.dialogues(status="ended")] == ["second"]
    assert len(told.dialogues(most=1)) == 1


def test_a_dialogue_is_told_with_its_turns_and_without_what_models_keep(told):
    first = told.dialogue("first")
    assert [turn.turn for turn in first.turns] == [0, 1]
    assert first.live.participants["ann"].role == "customer"
    assert told.dialogue("second").life.status == "ended"
    assert told.dialogue("second").live is None
    raw = get(told, "/v1/dialogues/first").text
    assert "voices" not in raw
    assert "state" not in raw.replace('"state":{"status"', "")


def test_a_dialogue_nobody_knows_is_said_to_be_unknown(told):
    with pytest.raises(Refused, match="third") as caught:
        told.dialogue("third")
    assert (caught.value.problem.status, caught.value.problem.type) == (404, "urn:turntone:problem:unknown-dialogue")


def test_every_refusal_is_a_problem(told):
    for path, status in (("/v1/nothing", 404), ("/v1/dialogues?most=0", 422), ("/v1/dialogues/a%20b", 422)):
        answer = get(told, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) == {"type", "title", "status", "detail"}
    wrong = httpx2.put(f"{told.url}/v1/dialogues", trust_env=False)
    assert (wrong.status_code, wrong.json()["status"], wrong.headers["allow"]) == (405, 405, "GET")


def test_health_needs_no_token(told):
    for path in ("/healthz", "/readyz"):
        assert httpx2.get(f"{told.url}{path}", trust_env=False).json() == {"status": "ok"}


def test_the_description_names_every_route_with_its_token(told):
    described = get(told, "/openapi.json").json()
    guarded = {path: set(methods) for path, methods in described["paths"].items() if path.startswith("/v1/")}
    assert set(guarded) >= {"/v1/events", "/v1/dialogues", "/v1/dialogues/{dialogue_id}/segments"}
    for path in guarded:
        for said in described["paths"][path].values():
            assert said["security"] == [{"HTTPBearer": []}]
            assert "401" in said["responses"]
    media = described["paths"]["/v1/dialogues/{dialogue_id}/segments"]["post"]["requestBody"]["content"]
    assert "audio/wav" in media


class Failing:
    """A publisher that fails once, and then another that works."""

    def __init__(self, log: Log, error: Exception) -> None:
        self.log, self.errors = log, [error]
        self.opened = 0

    def __call__(self):
        self.opened += 1
        if self.opened == 1 and isinstance(self.errors[0], TransportUnavailable):
            raise self.errors.pop()
        return self

    def publish(self, records) -> None:
        self.records = records

    def flush(self):
        if self.errors:
            raise self.errors.pop()
        return [self.log.broker.append(record) for record in self.records]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("error", [TransportUnavailable("no broker answers"), PublishFailed("not acknowledged")])
def test_a_broker_that_is_away_is_told_and_the_next_request_tries_again(error):
    log = Log()
    failing = Failing(log, error)
    with gateway(log, open_publisher=failing) as client:
        with pytest.raises(Refused, match=str(error)) as caught:
            client.end("call")
        assert (caught.value.problem.status, caught.value.retryable) == (503, True)
        assert client.end("call").offset == 0
    assert failing.opened == 2


def test_a_gateway_that_is_not_there_is_unavailable():
    with Client("http://127.0.0.1:9", token=OWNER) as client, pytest.raises(Unavailable, match="no gateway answers"):
        client.dialogues()


def test_listening_goes_on_where_a_gateway_died():
    log = Log()
    log.say("call", 0)
    with gateway(log) as client:
        listening = Client(client.url, token=OWNER, wait=soon)
        events = listening.events(from_beginning=True)
        assert next(events).event["turn"] == 0
    log.say("call", 1)
    with gateway(log, port=int(listening.url.rpartition(":")[2])):
        assert next(events).event["turn"] == 1
        events.close()
    listening.close()
