from itertools import islice

import pytest

from actors.client import Client, Refused
from engine.transport.base import Outgoing
from schemas.topics import TURNS
from tests.actors.gateway.opened import LISTENER, Log, gateway, turns


def heard(client, count, **wanted):
    """The first events of a stream, which is then broken off."""
    events = client.events(**wanted)
    try:
        return list(islice(events, count))
    finally:
        events.close()


def test_everything_that_is_kept_is_told_in_the_order_of_its_dialogue():
    log = Log()
    for turn in range(5):
        for dialogue_id in ("a", "b", "c"):
            log.say(dialogue_id, turn)
    with gateway(log) as client:
        told = turns(heard(client, 15, from_beginning=True))
    for dialogue_id in ("a", "b", "c"):
        assert [turn for name, turn in told if name == dialogue_id] == list(range(5))


def test_who_comes_back_is_told_the_rest_and_nothing_twice():
    log = Log()
    spoken = [(dialogue_id, turn) for turn in range(4) for dialogue_id in ("a", "b", "c")]
    for dialogue_id, turn in spoken[:7]:
        log.say(dialogue_id, turn)
    with gateway(log) as client:
        first = heard(client, 4, from_beginning=True)
        for dialogue_id, turn in spoken[7:]:
            log.say(dialogue_id, turn)
        rest = heard(client, 8, after=first[-1].id)
    assert sorted(turns(first) + turns(rest)) == sorted(spoken)


def test_a_place_holds_over_a_new_gateway_that_hears_in_another_order():
    log = Log()
    spoken = [("a", turn) for turn in range(6)] + [("b", turn) for turn in range(6)]
    for dialogue_id, turn in spoken:
        log.say(dialogue_id, turn)
    with gateway(log) as client:
        first = heard(client, 5, from_beginning=True)
    with gateway(log, kept_events=3) as client:
        middle = heard(client, 5, after=first[-1].id)
        rest = heard(client, 2, after=middle[-1].id)
    assert sorted(turns(first) + turns(middle) + turns(rest)) == sorted(spoken)


def test_what_is_older_than_memory_is_read_from_the_log():
    log = Log()
    for turn in range(50):
        log.say("a", turn)
    with gateway(log, kept_events=5) as client:
        before = log.readers
        told = turns(heard(client, 50, from_beginning=True))
        log.say("a", 50)
        assert log.readers == before + 1
    assert told == [("a", turn) for turn in range(50)]


def test_what_the_log_has_dropped_is_said_to_be_missing(caplog):
    log = Log()
    for turn in range(10):
        log.say("a", turn)
    with gateway(log, kept_events=2) as client:
        first = heard(client, 1, from_beginning=True)
        log.broker.forget(log.broker.partition_of(TURNS, "a"), 5)
        assert turns(heard(client, 5, after=first[0].id)) == [("a", turn) for turn in range(5, 10)]
    assert [record.getMessage() for record in caplog.records if "not kept any more" in record.getMessage()]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"dialogues": ["b"]}, [("b", 0), ("b", 1)]),
        ({"speakers": ["ben"]}, [("a", 1), ("b", 1)]),
        ({"labels": ["anger"]}, [("a", 1), ("b", 1)]),
        ({"kinds": ["turn"], "dialogues": ["a"], "labels": ["joy", "anger"]}, [("a", 0), ("a", 1)]),
    ],
)
def test_only_what_is_wanted_is_told(shared_filter, wanted, expected):
    told = heard(shared_filter, len(expected), from_beginning=True, **wanted)
    assert sorted(turns(told)) == expected


@pytest.fixture(scope="module")
def shared_filter():
    log = Log()
    for dialogue_id in ("a", "b"):
        log.say(dialogue_id, 0, speaker="ann", label="joy")
        log.say(dialogue_id, 1, speaker="ben", label="anger")
    with gateway(log) as client:
        yield client


def test_an_id_that_was_never_given_out_is_refused(shared):
    _, client = shared
    with pytest.raises(Refused, match="Last-Event-ID"):
        next(client.events(after="42"))


def test_a_token_without_the_scope_hears_nothing(shared):
    _, client = shared
    with Client(client.url, token=LISTENER) as desk, pytest.raises(Refused, match="dialogues:read"):
        desk.dialogues()
    with Client(client.url, token=LISTENER[::-1]) as nobody, pytest.raises(Refused, match="not known"):
        next(nobody.events())


def test_what_is_no_event_is_passed_over(shared):
    log, client = shared
    log.broker.append(Outgoing(TURNS, "odd", b"not json"))
    log.broker.append(Outgoing(TURNS, "odd", None))
    log.say("odd", 0)
    assert turns(heard(client, 1, from_beginning=True, dialogues=["odd"])) == [("odd", 0)]
