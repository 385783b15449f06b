import json

from actors.gateway.conversations import Conversations
from actors.gateway.told import Kind, Told
from schemas.events import DialogueEvent
from tests.actors.gateway.opened import turn_event


def told(dialogue_id: str, value: bytes, kind: Kind = "turn") -> Told:
    return Told(
        id="turns=1",
        kind=kind,
        dialogue_id=dialogue_id,
        speaker=None,
        label=None,
        value=value,
        headers=(),
        place=("t", 0),
        offset=0,
    )


def hear_turn(known: Conversations, dialogue_id: str, turn: int, *, speaker: str = "ann", revision: int = 0) -> None:
    label = "anger" if revision else "joy"
    event = turn_event(dialogue_id, turn, speaker=speaker, label=label, revision=revision)
    known.hear(told(dialogue_id, event.model_dump_json().encode()))


def hear_life(known: Conversations, dialogue_id: str, **said) -> None:
    event = DialogueEvent(event_id="e", dialogue_id=dialogue_id, **said)
    known.hear(told(dialogue_id, event.model_dump_json().encode(), "dialogue"))


def test_a_revision_stands_in_the_place_of_its_turn_and_a_repetition_nowhere():
    known = Conversations(room=100)
    for turn in range(3):
        hear_turn(known, "a", turn)
    hear_turn(known, "a", 1, revision=1)
    hear_turn(known, "a", 1)
    hear_turn(known, "a", 2)
    assert [(turn.turn, turn.label) for turn in known.of("a").turns] == [(0, "joy"), (1, "anger"), (2, "joy")]


def test_a_dialogue_lives_ends_and_is_opened_again():
    known = Conversations(room=100)
    hear_life(known, "a", status="started")
    hear_turn(known, "a", 0)
    hear_life(known, "a", status="ended", reason="idle", turns=1)
    assert (known.of("a").status, known.of("a").life.reason) == ("ended", "idle")
    hear_life(known, "a", status="started")
    assert known.of("a").status == "open"


def test_a_turn_that_is_read_behind_the_end_of_its_dialogue_does_not_open_it_again():
    known = Conversations(room=10)
    hear_life(known, "a", status="started")
    hear_life(known, "a", status="ended", reason="idle", turns=1)
    hear_turn(known, "a", turn=0)
    assert known.of("a").status == "ended"
    assert len(known.of("a").turns) == 1


def test_two_ids_that_are_one_voice_become_one():
    known = Conversations(room=100)
    hear_turn(known, "a", 0, speaker="voice-2")
    hear_turn(known, "a", 1, speaker="voice-1")
    hear_life(known, "a", status="merged", speaker="voice-2", into="voice-1")
    assert {turn.speaker for turn in known.of("a").turns} == {"voice-1"}
    assert known.of("a").life is None


def test_the_room_is_for_all_together_and_the_longest_silent_goes_first():
    known = Conversations(room=12)
    for dialogue_id in ("a", "b", "c"):
        for turn in range(3):
            hear_turn(known, dialogue_id, turn)
    hear_turn(known, "a", 3)
    assert [one.dialogue_id for one in known.newest()] == ["a", "c"]
    assert known.of("b") is None


def test_a_dialogue_larger_than_the_room_loses_its_oldest_turns():
    known = Conversations(room=4)
    for turn in range(10):
        hear_turn(known, "a", turn)
    assert [turn.turn for turn in known.of("a").turns] == [7, 8, 9]
    assert known.of("a").left_out == 7


def test_what_cannot_be_read_is_passed_over():
    known = Conversations(room=4)
    known.hear(told("a", json.dumps({"later": "version"}).encode()))
    known.hear(told("a", b"{}", "alert"))
    assert known.newest() == []
