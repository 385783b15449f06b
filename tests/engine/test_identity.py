"""Who speaks, across the segments of a dialogue: merges, a known number, names, reconnects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import snapshot
from engine.errors import ConfigurationError
from engine.state.codec import decode_record, encode_record
from schemas.segment import Participant
from schemas.topics import ENDED_TYPE
from tests.engine.spoken import build, converse, incoming, life, merges, speakers, started, step, turns, written

CUSTOMER = {"role": "customer"}
# 0 and 60 degrees are two voices; what follows draws them together, until the last turn makes them one.
CONVERGING = [(0, 3), (60, 3), (34, 8), (18, 4), (22, 8)]


def segments(spoken, **changes):
    return [incoming(number, each, **{**CUSTOMER, **changes}) for number, each in enumerate(spoken, start=1)]


def test_two_ids_that_turn_out_to_be_one_are_merged_in_public():
    steps = converse(build(), *segments(CONVERGING))
    assert speakers(*steps[:2]) == ["speaker-1", "speaker-2"]
    assert merges(*steps) == [("speaker-2", "speaker-1")]
    event = life(steps[4])[-1]
    assert (event.status, event.reason, event.turns) == ("merged", "one voice had two ids", 4)
    assert speakers(steps[4]) == ["speaker-1"]
    record = steps[4].record
    assert record.aliases == {"speaker-2": "speaker-1"}
    assert set(record.roster) == {"speaker-1"}
    assert record.voices == {"customer": ("speaker-1",)}
    assert not [name for name in snapshot.decode(record.state) if name.endswith("speaker-2")]


def test_a_merge_loses_no_turn():
    steps = converse(build(), *segments(CONVERGING))
    record = steps[-1].record
    assert record.turns == len(turns(*steps)) == 5
    assert sum(one.turns for one in record.summary.values()) == 5
    assert record.summary["speaker-1"].labels == {"joy": 5}
    (ended,) = life(step(build(), record, incoming(9, kind=ENDED_TYPE, value=b"")))
    assert set(ended.speakers) == {"speaker-1"}


def test_an_id_that_was_merged_is_nobodys_again():
    record = converse(build(), *segments(CONVERGING))[-1].record
    stranger = step(build(), record, incoming(6, (150, 3), **CUSTOMER))
    assert speakers(stranger) == ["speaker-3"]


def test_a_merge_has_an_id_of_its_own_and_the_same_bytes_again():
    *before, message = segments(CONVERGING)
    record = converse(build(), *before)[-1].record
    first, second = step(build(), record, message), step(build(), record, message)
    assert merges(first)
    assert written(first) == written(second)
    identities = [dict(entry.headers)["ce_id"] for entry in first.events]
    assert len(set(identities)) == len(identities)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(2, 9)), min_size=1, max_size=8))
def test_whoever_goes_on_from_the_record_goes_on_alike(spoken):
    steps = converse(build(), *segments(spoken))
    events = [entry for one in steps for entry in one.events]
    record = None
    for message, whole in zip(segments(spoken), steps, strict=True):
        # A worker that knows nothing but what was written.
        again = step(build(), record, message)
        assert written(again) == written(whole)
        record = decode_record(encode_record(again.record))
    identities = [dict(entry.headers)["ce_id"] for entry in events]
    assert len(set(identities)) == len(identities)
    heard = {event.speaker for event in turns(*steps)}
    aliases = steps[-1].record.aliases
    assert set(steps[-1].record.summary) == {aliases.get(name, name) for name in heard}
    assert sum(one.turns for one in steps[-1].record.summary.values()) == len(spoken)


def test_no_more_voices_are_told_apart_than_were_announced():
    people = [("ann", "customer"), ("cem", "customer"), ("bob", "agent")]
    steps = converse(build(), started(*people), *segments([(0, 3), (60, 3), (120, 3)]))
    assert speakers(*steps) == ["speaker-1", "speaker-2", "speaker-2"]


@pytest.mark.parametrize(
    ("word", "setting", "found"),
    [({"speakers": 1}, None, 1), ({"speakers": 2}, 1, 2), ({}, 1, 1), ({}, None, 3)],
)
def test_a_known_number_is_used(word, setting, found):
    steps = converse(build(speakers=setting), started(**word), *segments([(0, 3), (60, 3), (120, 3)]))
    assert len(set(speakers(*steps))) == found


def test_after_a_reconnect_the_ids_stay():
    first = segments([(0, 3), (60, 3), (0, 3)], source="camera/1")
    # The source counts anew under another name, an hour later.
    times = {"starttime": 3600.0, "endtime": 3660.0}
    later = [
        incoming(number, each, source="camera/2", offset=10 + number, **CUSTOMER, **times)
        for number, each in enumerate([(60, 3), (0, 3)], start=1)
    ]
    steps = converse(build(), *first, *later)
    assert speakers(*steps) == ["speaker-1", "speaker-2", "speaker-1", "speaker-2", "speaker-1"]
    assert [event.status for event in life(*steps)] == ["started"]


def test_an_enrolled_voice_has_its_name_in_every_dialogue():
    pipeline = build(people=[("Ann", 0, None)])
    for dialogue in range(2):
        steps = converse(pipeline, *segments([(10, 3), (90, 3), (5, 3)]))
        assert speakers(*steps) == ["Ann", "speaker-1", "Ann"], dialogue
    assert steps[-1].record.roster["Ann"] == Participant(speaker="Ann", role="customer")


def test_a_voice_that_is_recognised_later_is_merged_into_the_name_with_its_state():
    pipeline = build(people=[("Ann", 0, None)])
    steps = converse(pipeline, *segments([(40, 4), (20, 4), (16, 4)]))
    assert merges(*steps) == [("speaker-1", "Ann")]
    assert life(*steps)[-1].reason == "an enrolled voice was recognised"
    assert speakers(*steps) == ["speaker-1", "Ann", "Ann"]
    state = snapshot.decode(steps[-1].record.state)
    np.testing.assert_array_equal(state["speaker/Ann"], np.full(2, 3, np.float32))


def test_a_producers_word_is_never_merged():
    steps = converse(
        build(people=[("Ann", 0, None)]),
        *segments([(0, 6)] * 3, speaker="Cem"),
        incoming(7, (0, 6), **CUSTOMER),
    )
    assert speakers(*steps) == ["Cem", "Cem", "Cem", "Ann"]
    assert merges(*steps) == []


def test_a_voice_of_another_embedding_model_stops_the_worker_with_a_sentence(monkeypatch):
    monkeypatch.setattr("tests.engine.spoken.MODEL", "e2")
    people = [("Ann", 0, None)]
    pipeline = build(people=people)
    monkeypatch.setattr(pipeline._identifier._voices, "_embedding", "e3")
    with pytest.raises(ConfigurationError, match="embedding model e2, and this is e3"):
        step(pipeline, None, incoming(1, (0, 3), **CUSTOMER))


def test_no_name_is_logged(caplog):
    with caplog.at_level("DEBUG"):
        converse(build(people=[("Zora", 0, "customer")]), *segments([(40, 4), (20, 4), (16, 4)]))
    assert "Zora" not in caplog.text
