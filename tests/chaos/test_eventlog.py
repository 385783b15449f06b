import json

import pytest

from engine.transport.base import Incoming
from schemas.cloudevents import event_headers, segment_headers
from schemas.events import event_id
from schemas.record import Position
from schemas.segment import Segment
from schemas.topics import DEAD_LETTERS, SEGMENT_TYPE, SEGMENTS, TURN_TYPE, TURNS
from tests.chaos.eventlog import Name, differences, read_log, unequal


class Run:
    """The log of a dialogue of three segments, written by hand."""

    def __init__(self, run: str, *, first_offset: int) -> None:
        self.run = run
        self.dialogue_id = f"{run}-talk"
        self.opened = Position(topic=SEGMENTS, topic_id=f"topic of {run}", partition=0, offset=first_offset)
        self.records: list[Incoming] = []
        for sequence in range(3):
            segment = Segment(
                dialogue_id=self.dialogue_id,
                id=f"{sequence}",
                source=f"/replay/{run}",
                type=SEGMENT_TYPE,
                sequence=sequence,
                starttime=float(sequence),
                endtime=sequence + 1.0,
            )
            position = self.opened.model_copy(update={"offset": first_offset + sequence})
            self.records.append(Incoming(position, self.dialogue_id, b"media", segment_headers(segment)))

    def answer(self, sequence: int, *, joy: float = 0.5, label: str = "joy", topic: str = TURNS) -> None:
        identity = event_id(
            dialogue_id=self.dialogue_id,
            incarnation=str(self.opened),
            source=f"/replay/{self.run}",
            sequence=sequence,
            kind="turn",
            index=0,
        )
        self.publish(identity, joy=joy, label=label, topic=topic)

    def publish(self, identity: str, *, joy: float = 0.5, label: str = "joy", topic: str = TURNS) -> None:
        value = {
            "event_id": identity,
            "dialogue_id": self.dialogue_id,
            "label": label,
            "distribution": {"joy": joy},
            "turn": 1,
        }
        headers = event_headers(event_id=identity, event_type=TURN_TYPE, dialogue_id=self.dialogue_id)
        if topic == DEAD_LETTERS:
            headers = (("turntone_id", identity.encode()), ("turntone_error", b"BadMedia: no"))
        position = Position(topic=topic, partition=0, offset=len(self.records))
        self.records.append(Incoming(position, self.dialogue_id, json.dumps(value).encode(), headers))

    def log(self):
        return read_log(self.records, run=self.run)


@pytest.fixture
def quiet() -> Run:
    run = Run("quiet", first_offset=0)
    for sequence in range(3):
        run.answer(sequence)
    return run


@pytest.fixture
def loud() -> Run:
    return Run("loud", first_offset=70)


def test_numbers_inside_lists_may_differ_in_their_last_bits():
    assert list(unequal({"evidence": [{"p": 0.5}]}, {"evidence": [{"p": 0.50001}]})) == []
    assert list(unequal({"evidence": [{"p": 0.5}]}, {"evidence": [{"p": 0.6}]})) == [".evidence[0].p: 0.5 became 0.6"]
    assert len(list(unequal({"evidence": [1]}, {"evidence": [1, 2]}))) == 1


def test_events_are_named_by_what_their_ids_follow_from(quiet):
    (events,) = quiet.log().events.values()
    assert [event.name for event in events] == [Name("talk", sequence, "turn", 0) for sequence in range(3)]
    assert quiet.log().turns == 3


def test_runs_at_other_positions_with_repetitions_are_equal(quiet, loud):
    for sequence in (0, 1, 0, 1, 2):
        loud.answer(sequence, joy=0.50005)
    assert differences(quiet.log(), loud.log()) == []
    assert loud.log().repeated == 2
    assert loud.log().conflicts == ()


def test_a_number_that_is_too_far_off_is_told(quiet, loud):
    for sequence in range(3):
        loud.answer(sequence, joy=0.5002 if sequence == 1 else 0.5)
    (found,) = differences(quiet.log(), loud.log())
    assert ".distribution.joy: 0.5 became 0.5002" in found


def test_another_label_is_told(quiet, loud):
    for sequence in range(3):
        loud.answer(sequence, label="fear" if sequence == 2 else "joy")
    (found,) = differences(quiet.log(), loud.log())
    assert ".label: 'joy' became 'fear'" in found


def test_what_is_missing_is_told(quiet, loud):
    loud.answer(0)
    loud.answer(2)
    (found,) = differences(quiet.log(), loud.log())
    assert "is missing" in found
    assert "sequence=1" in found


def test_another_order_is_told(quiet, loud):
    for sequence in (0, 2, 1):
        loud.answer(sequence)
    (found,) = differences(quiet.log(), loud.log())
    assert "the order is another" in found


def test_an_id_with_two_contents_is_a_conflict_even_within_the_tolerance(loud):
    loud.answer(0, joy=0.5)
    loud.answer(0, joy=0.50001)
    assert len(loud.log().conflicts) == 1


def test_an_id_that_follows_from_no_segment_is_a_stranger(loud):
    loud.publish("made up")
    assert len(loud.log().strangers) == 1


def test_dead_letters_say_what_was_wrong(loud):
    loud.answer(0, topic=DEAD_LETTERS)
    assert loud.log().dead_letters == ("loud-talk: BadMedia: no",)


def test_other_runs_are_left_out(quiet, loud):
    loud.answer(0)
    assert read_log([*quiet.records, *loud.records], run="loud").turns == 1
