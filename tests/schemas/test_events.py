"""Events keep their bytes and their ids for ever."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import AlertEvent, DialogueEvent, EmotionEvent, event_id
from schemas.labels import CIRCUMPLEX, EMOTIONS
from schemas.segment import DialogueEnded, DialogueStarted

GOLDEN = Path(__file__).parent.parent / "golden" / "wire"
MESSAGES = {
    "turn-v1": EmotionEvent,
    "turn-withheld-v1": EmotionEvent,
    "turn-revised-v1": EmotionEvent,
    "dialogue-ended-v1": DialogueEvent,
    "dialogue-summed-v1": DialogueEvent,
    "dialogue-merged-v1": DialogueEvent,
    "alert-v1": AlertEvent,
    "started-v1": DialogueStarted,
    "started-speakers-v1": DialogueStarted,
    "ended-v1": DialogueEnded,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_golden_bytes_decode_and_encode_to_themselves(name):
    raw = (GOLDEN / f"{name}.json").read_bytes().strip()
    assert MESSAGES[name].model_validate_json(raw).model_dump_json().encode() == raw


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_of_a_later_version_is_left_alone(name):
    raw = (GOLDEN / f"{name}.json").read_bytes().strip()
    later = b'{"a_later_field": [1, 2], ' + raw[1:]
    assert MESSAGES[name].model_validate_json(later) == MESSAGES[name].model_validate_json(raw)


def identity(**changes):
    parts = {"dialogue_id": "d", "incarnation": "t/0/7", "source": "s", "sequence": 3, "kind": "turn", "index": 0}
    return event_id(**{**parts, **changes})


def test_an_id_never_changes():
    assert identity() == "7b9062ab4d3edfddd21e52d481290730"


@pytest.mark.parametrize(
    "change",
    [
        {"dialogue_id": "e"},
        {"incarnation": "t/0/8"},
        {"source": "r"},
        {"sequence": 4},
        {"kind": "ended"},
        {"index": 1},
        {"revision": 1},
    ],
)
def test_every_part_tells_ids_apart(change):
    assert identity(**change) != identity()


@given(st.text(), st.text(), st.text(), st.text())
def test_parts_never_run_into_each_other(a, b, c, d):
    same = (a, b) == (c, d)
    assert (identity(dialogue_id=a, source=b) == identity(dialogue_id=c, source=d)) == same


def test_every_emotion_has_a_place_in_the_circumplex():
    assert tuple(CIRCUMPLEX) == EMOTIONS
    assert all(-1 <= x <= 1 for place in CIRCUMPLEX.values() for x in place)
