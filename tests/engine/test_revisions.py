"""A turn said again: what of its event changes, when it is said, and when never."""

import numpy as np
import pytest

from engine import snapshot
from engine.dialogue import recent
from engine.dialogue.recent import Recent
from engine.errors import BadMedia
from engine.signals import Estimate, Revised, StepOutcome
from schemas.events import DialogueEvent, EmotionEvent, event_id
from schemas.topics import DIALOGUES, ENDED_TYPE, TURNS
from tests.engine import spoken
from tests.engine.spoken import incoming, started

AHEAD = 2
JOY, ANGER = 1, 3


def chances(label, surely=0.7):
    row = np.full(7, (1 - surely) / 6, np.float32)
    row[label] = surely
    return row


class Models:
    """Sure of joy at first, and at a second look, when two more turns are known, of what `again` says."""

    def __init__(self, again, *, abstained=None):
        self.again = again
        self.abstained = abstained

    def infer(self, request):
        kept = recent.unpack(request.tensors, width=1)
        nothing = np.zeros(1, np.float32)
        heard = [*kept, *(Recent(turn.number, turn.speaker, nothing, nothing, nothing) for turn in request.turns)]
        due = max(0, len(heard) - (1 if request.ended else AHEAD))
        left = [] if request.ended else heard[due:]
        estimate = Estimate(chances(JOY), 0.7, 0.5, 0.25, "circumplex", 0.75, 0.25)
        return StepOutcome(
            {**recent.without(request.tensors), **recent.pack(left)},
            (estimate,) * len(request.turns),
            tuple(Revised(t.number, self.again, 0.6, -0.5, 0.4, "circumplex", self.abstained) for t in heard[:due]),
        )


def play(*messages, again, abstained=None, pipeline=None):
    pipeline, models = pipeline or spoken.build(), Models(again, abstained=abstained)
    record, steps = None, []
    for message in messages:
        prepared = pipeline.prepare(pipeline.read(message), record)
        outcome = None if prepared.request is None else models.infer(prepared.request)
        steps.append(pipeline.finish(prepared, outcome))
        record = steps[-1].record
    return steps


def said(*steps):
    """Turn and revision of every event, in the order they are published."""
    return [(event.turn, event.revision) for event in spoken.turns(*steps)]


def says(sequence, who="ann", role="customer", **changes):
    return incoming(sequence, (10, 2), speaker=who, role=role, **changes)


def ends(sequence):
    return incoming(sequence, kind=ENDED_TYPE, value=b'{"reason": "hung up"}')


def test_a_turn_is_said_again_once_the_next_two_are_known_and_the_rest_at_the_end():
    steps = play(*(says(n, "ann" if n % 2 else "bob") for n in range(1, 6)), ends(6), again=chances(ANGER))
    assert [said(step) for step in steps] == [
        [(0, 0)],
        [(1, 0)],
        [(2, 0), (0, 1)],
        [(3, 0), (1, 1)],
        [(4, 0), (2, 1)],
        # The last turn has nothing after it.
        [(3, 1)],
    ]
    assert [len(step.record.recent) for step in steps] == [1, 2, 2, 2, 2, 0]
    assert [sorted(recent.numbers(snapshot.decode(step.record.state))) for step in steps] == [
        [0],
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [],
    ]


def test_only_the_decision_changes_and_the_id_says_what_it_answers():
    steps = play(says(1), says(2, "bob"), says(3), again=chances(ANGER))
    first, *_ = spoken.turns(steps[0])
    again = spoken.turns(steps[2])[-1]
    assert (first.label, again.label, again.distribution["anger"]) == ("joy", "anger", pytest.approx(0.7))
    assert (again.confidence, again.valence, again.arousal) == (0.6, -0.5, 0.4)
    decided = {"label", "distribution", "valence", "arousal", "confidence", "event_id", "revision"}
    assert again.model_dump(exclude=decided) == first.model_dump(exclude=decided)
    of_the_turn = {"dialogue_id": "d", "incarnation": steps[0].record.incarnation, "source": "s", "sequence": 1}
    assert first.event_id == event_id(**of_the_turn, kind="turn", index=0)
    assert again.event_id == event_id(**of_the_turn, kind="turn", index=0, revision=1)
    # It travels with the segment that made it known.
    assert steps[2].events[-1].position == steps[2].record.position


@pytest.mark.parametrize(
    ("again", "abstained", "times"),
    [
        (chances(JOY), None, 0),
        (chances(JOY, 0.61), None, 0),
        (chances(JOY, 0.59), None, 1),
        (chances(ANGER, 0.2), None, 1),
        (chances(JOY), "confidence below 0.80", 1),
    ],
)
def test_what_has_not_changed_by_a_tenth_is_not_said_again(again, abstained, times):
    steps = play(says(1), says(2), says(3), again=again, abstained=abstained)
    assert sum(event.revision for event in spoken.turns(*steps)) == times


def test_the_summary_counts_what_was_said_last():
    steps = play(says(1), says(2, "bob"), says(3), ends(4), again=chances(ANGER))
    end = DialogueEvent.model_validate_json(steps[-1].events[-1].value)
    assert steps[-1].events[-1].topic == DIALOGUES
    assert (end.status, end.reason, end.turns) == ("ended", "hung up", 3)
    assert {name: one.labels for name, one in end.speakers.items()} == {
        "ann": {"anger": 1, "joy": 1},
        "bob": {"anger": 1},
    }
    assert [one.turns for one in end.speakers.values()] == [2, 1]


def test_an_abstention_at_a_second_look_takes_the_label_from_the_summary():
    steps = play(says(1), says(2), says(3), again=chances(JOY, 0.3), abstained="confidence below 0.36")
    again = spoken.turns(steps[-1])[-1]
    assert (again.label, again.abstained, again.revision) == (None, "low_confidence", 1)
    assert steps[-1].record.summary["ann"].labels == {"joy": 2}


def test_withheld_turns_neither_wait_nor_are_counted_among_the_next():
    steps = play(says(1), says(2, "bob", "agent"), says(3, "bob", "agent"), says(4), says(5), again=chances(ANGER))
    assert [said(step) for step in steps] == [[(0, 0)], [(1, 0)], [(2, 0)], [(3, 0)], [(4, 0), (0, 1)]]


def test_who_becomes_denied_is_not_said_again():
    talk = [says(1), says(2, "bob"), says(3, "ann", "agent"), says(4, "bob"), says(5, "bob"), ends(6)]
    steps = play(*talk, again=chances(ANGER))
    assert {one.event.speaker for one in steps[2].record.recent} == {"bob"}
    assert not [name for name in snapshot.decode(steps[2].record.state) if name.endswith("/ann")]
    assert said(*steps[2:]) == [(2, 0), (3, 0), (4, 0), (1, 1), (3, 1)]


def test_who_is_announced_as_denied_or_fails_in_a_dead_letter_is_not_said_again():
    pipeline = spoken.build()
    heard = play(says(1), says(2, "bob"), again=chances(ANGER), pipeline=pipeline)[-1].record
    announced = pipeline.finish(
        pipeline.prepare(pipeline.read(started(("ann", "agent"), sequence=3)), heard), None
    ).record
    arrival = pipeline.read(says(3, "ann", "agent"))
    rejected = pipeline.reject(arrival, heard, error=BadMedia("no media"), stage="decode", attempts=1).record
    for record in (announced, rejected):
        assert [one.event.speaker for one in record.recent] == ["bob"]
        assert recent.numbers(snapshot.decode(record.state)) == {1}


def test_a_dialogue_ends_even_if_its_last_turns_cannot_be_looked_at_again():
    pipeline = spoken.build()
    heard = play(says(1), says(2, "bob"), again=chances(ANGER), pipeline=pipeline)[-1].record
    arrival = pipeline.read(ends(3))
    stepped = pipeline.reject(arrival, heard, error=RuntimeError("no"), stage="infer", attempts=3)
    (end,) = stepped.events
    assert DialogueEvent.model_validate_json(end.value).speakers["ann"].labels == {"joy": 1}
    record = stepped.record
    assert (record.status, record.state, record.recent, record.version) == ("ended", b"", (), heard.version + 1)


def test_several_turns_of_one_segment_wait_each_for_themselves():
    steps = play(incoming(1, (10, 2), (80, 2), (10, 2), (80, 2), role="customer"), ends(2), again=chances(ANGER))
    assert [said(step) for step in steps] == [[(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1)], [(2, 1)]]
    ids = [event.event_id for event in spoken.turns(*steps)]
    assert len(set(ids)) == len(ids)


def test_a_redriven_turn_is_said_again_under_an_id_of_its_own():
    late = says(9, offset=9, redriveof="dead")
    steps = play(says(1), late, says(3), says(4), again=chances(ANGER))
    again = [event for event in spoken.turns(*steps) if event.revision]
    assert [(event.turn, event.late) for event in again] == [(0, False), (1, True)]
    assert again[1].event_id != event_id(
        dialogue_id="d",
        incarnation=steps[0].record.incarnation,
        source="s",
        sequence=9,
        kind="turn",
        index=0,
        revision=1,
    )


def test_what_an_id_said_before_it_was_known_by_name_stands():
    pipeline = spoken.build(people=[("Ann", 0, None)])
    talk = [incoming(n, (degrees, 4), role="customer") for n, degrees in ((1, 40), (2, 20), (3, 16), (4, 16))]
    steps = play(*talk, ends(5), again=chances(ANGER), pipeline=pipeline)
    assert spoken.merges(*steps) == [("speaker-1", "Ann")]
    assert {one.event.speaker for one in steps[1].record.recent} == {"Ann"}
    assert [event.speaker for event in spoken.turns(*steps) if event.revision] == ["Ann", "Ann"]
    assert 0 not in [event.turn for event in spoken.turns(*steps) if event.revision]


def test_another_model_and_a_new_incarnation_know_nothing_of_what_waited():
    heard = play(says(1), says(2), again=chances(ANGER))[-1].record
    pipeline = spoken.build(model_id="m2")
    prepared = pipeline.prepare(pipeline.read(says(3)), heard)
    stepped = pipeline.finish(prepared, Models(chances(ANGER)).infer(prepared.request))
    assert said(stepped) == [(2, 0)]
    assert [one.event.turn for one in stepped.record.recent] == [2]
    again = play(says(1), ends(2), says(3), again=chances(ANGER))
    assert [one.event.turn for one in again[-1].record.recent] == [0]


def test_where_nothing_is_looked_at_again_nothing_waits():
    steps = spoken.converse(spoken.build(), says(1), says(2), says(3), ends(4))
    assert all(step.record.recent == () for step in steps)
    assert said(*steps) == [(0, 0), (1, 0), (2, 0)]
    assert [entry.topic for entry in steps[-1].events] == [DIALOGUES]


def test_the_same_segments_give_the_same_bytes_twice():
    talk = [says(1), says(2, "bob"), says(3), ends(4)]
    once, twice = (play(*talk, again=chances(ANGER)) for _ in range(2))
    assert [spoken.written(step) for step in once] == [spoken.written(step) for step in twice]
    events = [entry for step in once for entry in step.events if entry.topic == TURNS]
    assert all(EmotionEvent.model_validate_json(entry.value).event_id in str(entry.headers) for entry in events)
