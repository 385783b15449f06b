import random
from datetime import UTC, datetime

from engine.transport.base import Incoming
from schemas.cloudevents import event_headers
from schemas.record import Position
from schemas.topics import SEGMENTS, TURN_TYPE, TURNS
from tests.chaos.replaying import Blow, Recovery, conversations, moments, recovery, turns_in

BLOW = Blow("worker-0", at_s=100.0, partitions=frozenset({0, 2}))


def turn(*, partition: int, at_s: float, spoken_s: float, topic: str = TURNS) -> Incoming:
    spoken = datetime.fromtimestamp(spoken_s, UTC)
    headers = event_headers(event_id="any", event_type=TURN_TYPE, dialogue_id="talk", time=spoken)
    return Incoming(Position(topic=topic, partition=partition, offset=0), "talk", b"{}", headers, at_s)


def test_copies_of_both_conversations_run_side_by_side_to_the_end():
    corpus = conversations(calls=4, meetings=2)
    assert turns_in(corpus) == 4 * 24 + 2 * 16
    assert [dialogue.dialogue_id for dialogue in corpus.dialogues] == [
        "call-00",
        "meeting-00",
        "call-01",
        "call-02",
        "meeting-01",
        "call-03",
    ]


def test_there_is_a_moment_in_every_part_of_a_replay_and_the_seed_says_which():
    found = moments(random.Random(7), blows=5, turns=100)
    assert [int(moment // 20) for moment in found] == [0, 1, 2, 3, 4]
    assert found == moments(random.Random(7), blows=5, turns=100)
    assert found != moments(random.Random(8), blows=5, turns=100)


def test_recovery_is_the_time_to_the_next_turn_of_what_was_hit():
    records = [
        turn(partition=0, at_s=99.0, spoken_s=98.0),
        turn(partition=1, at_s=100.5, spoken_s=99.0),
        turn(partition=2, at_s=100.6, spoken_s=99.0, topic=SEGMENTS),
        turn(partition=2, at_s=104.0, spoken_s=99.0),
        turn(partition=0, at_s=105.0, spoken_s=99.0),
    ]
    assert recovery(BLOW, records) == Recovery(next_event_s=4.0, waited_s=4.0)


def test_where_nothing_waited_there_was_only_the_next_utterance_to_wait_for():
    assert recovery(BLOW, [turn(partition=0, at_s=107.5, spoken_s=107.0)]) == Recovery(next_event_s=7.5, waited_s=0.5)


def test_where_nothing_more_was_said_there_is_no_recovery_to_measure():
    assert recovery(BLOW, [turn(partition=1, at_s=107.5, spoken_s=107.0)]) is None
