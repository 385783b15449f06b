"""Alerts on a segment's way: beside their turn in the outbox, their state in the record, gone with who is denied."""

from engine.alerts.rule import Rule
from engine.alerts.state import decode
from schemas.cloudevents import read_attributes
from schemas.events import AlertEvent
from schemas.topics import ALERT_TYPE, ALERTS, ENDED_TYPE, TURNS
from tests.engine import spoken
from tests.engine.test_identity import CONVERGING, segments

GLAD = Rule(name="glad", severity="info", labels=("joy",), turns=2, within=2, cooldown=0)
ANY = Rule(name="any", labels=("joy",), cooldown=0)


def alerts(*steps):
    return [AlertEvent.model_validate_json(e.value) for one in steps for e in one.events if e.topic == ALERTS]


def watched(step):
    return decode(step.record.alerts).speakers


def ann(sequence, **changes):
    return spoken.incoming(sequence, (10, 1.0), **{"speaker": "ann", "role": "customer", **changes})


def test_an_alert_stands_right_behind_its_turn_in_the_outbox():
    first, second = spoken.converse(spoken.build(alerts=[GLAD, ANY]), ann(1), ann(2))
    assert [entry.topic for entry in first.events[1:]] == [TURNS, ALERTS]
    assert [entry.topic for entry in second.events] == [TURNS, ALERTS, ALERTS]
    glad, any_ = alerts(second)
    (turn,) = spoken.turns(second)
    assert (glad.rule, any_.rule) == ("glad", "any")
    assert len({glad.event_id, any_.event_id, turn.event_id}) == 3
    assert (glad.turn, glad.since_turn, glad.start_s) == (1, 0, turn.start_s)
    assert glad.evidence[-1].distribution == turn.distribution
    assert all(entry.position == second.record.position for entry in second.events)
    attributes = read_attributes(second.events[1].headers)
    assert (attributes["type"], attributes["subject"], attributes["id"]) == (ALERT_TYPE, "d", glad.event_id)


def test_the_same_segment_gives_the_same_bytes():
    pipeline = spoken.build(alerts=[GLAD, ANY])
    (first,) = spoken.converse(pipeline, ann(1))
    assert spoken.written(spoken.step(pipeline, first.record, ann(2))) == spoken.written(
        spoken.step(spoken.build(alerts=[GLAD, ANY]), first.record, ann(2))
    )


def test_who_is_denied_in_between_loses_what_was_heard():
    pipeline = spoken.build(alerts=[GLAD])
    first, denied, again = spoken.converse(pipeline, ann(1), ann(2, role="agent"), ann(3))
    assert set(watched(first)) == {"ann"}
    assert watched(denied) == {}
    assert alerts(denied, again) == []


def test_nothing_is_heard_of_who_is_denied_from_the_start():
    steps = spoken.converse(spoken.build(alerts=[ANY]), ann(1, role="agent"), ann(2, role="agent"))
    assert alerts(*steps) == []
    assert [step.record.alerts for step in steps] == [b"", b""]


def test_another_model_begins_anew():
    (first,) = spoken.converse(spoken.build(alerts=[GLAD]), ann(1))
    other = spoken.build(alerts=[GLAD], model_id="m2")
    second, third = spoken.converse(other, ann(2), ann(3), record=first.record)
    assert alerts(second) == []
    assert [alert.since_turn for alert in alerts(third)] == [1]


def test_the_end_clears_the_state_and_a_reopened_dialogue_begins_anew():
    steps = spoken.converse(
        spoken.build(alerts=[GLAD]), ann(1), spoken.incoming(2, kind=ENDED_TYPE, value=b""), ann(3), ann(4)
    )
    assert steps[1].record.alerts == b""
    assert alerts(*steps[:3]) == []
    (again,) = alerts(steps[3])
    assert again.since_turn == 0


def test_without_rules_nothing_is_kept():
    assert spoken.converse(spoken.build(), ann(1))[0].record.alerts == b""


def test_two_ids_of_one_voice_have_one_row():
    """speaker-2 turns out to be speaker-1 in the fifth segment: five turns of one voice by then."""
    rule = Rule(name="glad", labels=("joy",), turns=5, within=5)
    steps = spoken.converse(spoken.build(alerts=[rule]), *segments(CONVERGING))
    assert spoken.merges(*steps) == [("speaker-2", "speaker-1")]
    assert set(watched(steps[3])) == {"speaker-1", "speaker-2"}
    assert set(watched(steps[4])) == {"speaker-1"}
    assert [turn.turn for turn in watched(steps[4])["speaker-1"].heard] == [0, 1, 2, 3, 4]
    assert [(alert.speaker, alert.since_turn, alert.turn) for alert in alerts(*steps)] == [("speaker-1", 0, 4)]
