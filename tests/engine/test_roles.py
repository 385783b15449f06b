"""Roles by configuration and by enrolment, and that no way leads around the gate."""

import numpy as np
import pytest

from engine import snapshot
from engine.errors import BadMedia
from engine.roles import Roles
from schemas.segment import Participant
from schemas.topics import DEAD_LETTERS, ENDED_TYPE
from tests.engine.spoken import build, converse, incoming, merges, speakers, started, step, turns

CALL = Roles(first="agent", others="customer")
SIDES = Roles(channel={"0": "customer", "1": "agent"})


def said(*steps):
    """Speaker, role, and whether a label was given, of every turn."""
    return [(event.speaker, event.role, event.label is not None) for event in turns(*steps)]


def names(one):
    """Whom the state knows, under whatever name."""
    return {name for name in snapshot.decode(one.record.state) if "/" in name}


def test_a_role_by_channel_is_used_where_the_producer_gives_none():
    steps = converse(
        build(roles=SIDES),
        incoming(1, (0, 3), channel="0"),
        incoming(2, (60, 3), channel="1"),
        incoming(3, (60, 3), channel="1", role="customer"),
        incoming(4, (0, 3), channel="2"),
    )
    assert said(*steps[:2]) == [("speaker-1", "customer", True), (None, "agent", False)]
    # The producer's word comes first, and is answered as ever.
    assert said(steps[2]) == [("speaker-2", "customer", True)]
    assert turns(steps[3])[0].policy.rule == "mixed channel that may hold a denied voice"


def test_a_role_by_name_is_used_where_the_producer_gives_none():
    pipeline = build(roles=Roles(name={"ann": "customer", "bob": "agent"}))
    steps = converse(
        pipeline,
        started(("ann", None), ("bob", None)),
        incoming(1, (0, 3), speaker="ann"),
        incoming(2, (0, 3), speaker="bob"),
        incoming(3, (0, 3), speaker="cem"),
        incoming(4, (0, 3), speaker="ann", role="agent"),
    )
    assert said(*steps) == [
        ("ann", "customer", True),
        ("bob", "agent", False),
        ("cem", None, False),
        ("ann", "agent", False),
    ]
    assert names(steps[-1]) == set()


def test_what_was_announced_comes_before_what_is_configured():
    pipeline = build(roles=Roles(name={"bob": "customer"}))
    steps = converse(
        pipeline, started(("bob", "agent")), started(("bob", None), sequence=1), incoming(2, (0, 3), speaker="bob")
    )
    assert said(*steps) == [("bob", "agent", False)]


def test_who_speaks_first_has_the_first_role():
    steps = converse(
        build(roles=CALL),
        incoming(1, (0, 3), speaker="x"),
        incoming(2, (60, 3), speaker="y"),
        incoming(3, (0, 3), speaker="x"),
    )
    assert said(*steps) == [("x", "agent", False), ("y", "customer", True), ("x", "agent", False)]


def test_where_it_is_not_known_who_was_first_everybody_is_denied():
    joined_late = converse(build(roles=CALL), incoming(7, (60, 3), speaker="y"))
    assert turns(*joined_late)[0].policy.rule == "role unknown"
    begun = converse(build(roles=CALL), incoming(1, (0, 3), speaker="x"), incoming(2, (60, 3), speaker="y"))
    pipeline = build(roles=CALL, model_id="m2")
    after = step(pipeline, begun[-1].record, incoming(3, (60, 3), speaker="z"))
    assert said(after) == [("z", None, False)]


def test_a_first_segment_that_fails_still_says_who_was_first():
    pipeline = build(roles=CALL)
    for changes, role in (({"speaker": "x"}, "customer"), ({}, None)):
        arrival = pipeline.read(incoming(1, value=b"[]", **changes))
        rejected = pipeline.reject(arrival, None, error=BadMedia("no media"), stage="prepare", attempts=1)
        assert [entry.value for entry in rejected.events if entry.topic == DEAD_LETTERS] == [b""]
        assert turns(step(pipeline, rejected.record, incoming(2, (60, 3), speaker="y")))[0].role == role


def test_a_mixed_channel_is_withheld_whole_where_one_of_the_configured_roles_is_denied():
    (one,) = converse(build(roles=CALL), incoming(1, (0, 3), (60, 3)))
    assert said(one) == [(None, None, False)]
    assert turns(one)[0].policy.rule == "mixed channel that may hold a denied voice"
    assert one.record.state == b""


def test_a_mixed_channel_is_let_in_where_every_configured_role_is_allowed():
    pipeline = build(roles=Roles(others="customer"), consent=True)
    (one,) = converse(pipeline, incoming(1, (0, 3), (60, 3), consent=True))
    assert said(one) == [("speaker-1", "customer", True), ("speaker-2", "customer", True)]
    (one,) = converse(pipeline, incoming(1, (0, 3), (60, 3)))
    assert said(one) == [(None, None, False)]


def test_an_enrolled_voice_brings_its_role_to_a_name():
    steps = converse(
        build(people=[("Ann", 0, "customer"), ("Bob", 90, "agent")]),
        incoming(1, (0, 3), speaker="Ann"),
        incoming(2, (0, 3), speaker="Bob"),
    )
    assert said(*steps) == [("Ann", "customer", True), ("Bob", "agent", False)]


def test_a_denied_voice_on_an_allowed_channel_is_withheld_and_nothing_of_it_stays():
    steps = converse(
        build(people=[("Bob", 90, "agent")]),
        incoming(1, (0, 3), role="customer"),
        incoming(2, (0, 2), (85, 3), (0, 2), role="customer"),
        incoming(3, (0, 3)),
    )
    assert said(*steps[:2]) == [
        ("speaker-1", "customer", True),
        ("speaker-1", "customer", True),
        ("Bob", "agent", False),
        ("speaker-1", "customer", True),
    ]
    withheld = turns(steps[1])[1]
    assert (withheld.turn, withheld.abstained, withheld.distribution) == (2, "withheld", None)
    assert withheld.modalities.audio_missing == withheld.modalities.video_missing == "withheld"
    assert not [name for name in names(steps[1]) if name.endswith("Bob")]
    # Somebody takes part now who may not be inferred.
    assert turns(steps[2])[0].abstained == "withheld"


def test_an_id_that_turns_out_to_be_a_denied_person_loses_its_state():
    steps = converse(
        build(people=[("Bob", 0, "agent")]), *[incoming(n, (d, 4), role="customer") for n, d in enumerate([40, 20], 1)]
    )
    assert merges(*steps) == [("speaker-1", "Bob")]
    assert said(*steps) == [("speaker-1", "customer", True), ("Bob", "agent", False)]
    assert names(steps[-1]) == set()
    assert steps[-1].record.summary["Bob"].withheld == 1


class TestIdentifyDenied:
    """The option for mixed calls: denied voices are told from the others."""

    def call(self, **changes):
        return build(roles=CALL, identify_denied=True, **changes)

    def test_each_voice_is_decided_by_itself(self):
        steps = converse(self.call(), incoming(1, (0, 3), (60, 3)), incoming(2, (60, 3)), incoming(3, (0, 3)))
        agent, customer = ("speaker-1", "agent", False), ("speaker-2", "customer", True)
        assert said(*steps) == [agent, customer, customer, agent]

    def test_centroids_of_denied_voices_lie_apart_and_are_used_for_nothing_else(self):
        (one,) = converse(self.call(), incoming(1, (0, 3), (60, 3)))
        apart = {"apart/centroid/speaker-1", "apart/centroid_s/speaker-1"}
        assert names(one) == apart | {"centroid/speaker-2", "centroid_s/speaker-2", "speaker/speaker-2"}
        pipeline = self.call()
        prepared = pipeline.prepare(pipeline.read(incoming(2, (0, 3), (60, 3))), one.record)
        assert [turn.speaker for turn in prepared.request.turns] == ["speaker-2"]
        assert prepared.request.announced == ("speaker-2",)

    def test_nothing_of_them_outlives_the_dialogue(self):
        steps = converse(self.call(), incoming(1, (0, 3), (60, 3)), incoming(2, kind=ENDED_TYPE, value=b""))
        assert steps[-1].record.state == b""

    def test_a_voice_whose_role_nobody_knows_is_denied(self):
        pipeline = build(people=[("Ann", 0, "customer")], identify_denied=True)
        steps = converse(pipeline, incoming(1, (5, 3), (90, 3)), incoming(2, (90, 3)))
        assert said(*steps) == [("Ann", "customer", True), ("speaker-1", None, False), ("speaker-1", None, False)]

    def test_nobody_is_listened_to_where_nobody_may_be_inferred(self):
        pipeline = build(people=[("Bob", 0, "agent")], identify_denied=True)
        (one,) = converse(pipeline, incoming(1, value=b"no media at all"))
        assert (said(one), one.record.state) == ([(None, None, False)], b"")

    def test_a_dead_letter_keeps_no_media_that_may_hold_a_denied_voice(self):
        pipeline = self.call()
        arrival = pipeline.read(incoming(1, value=b"broken"))
        rejected = pipeline.reject(arrival, None, error=BadMedia("no media"), stage="prepare", attempts=1)
        (refused,) = pipeline.refuse(arrival, rejected.record, error=BadMedia("goes back"))
        assert [rejected.events[-1].value, refused.value] == [b"", b""]

    def test_consent_is_asked_for_as_ever(self):
        steps = converse(self.call(consent=True), incoming(1, (0, 3), (60, 3)))
        assert said(*steps) == [(None, None, False)]
        steps = converse(self.call(consent=True), incoming(1, (0, 3), (60, 3), consent=True), incoming(2, (60, 3)))
        assert [event.label is not None for event in turns(*steps)] == [False, True, True]

    def test_where_two_ids_are_one_the_denial_wins(self):
        converging = [(0, 3), (60, 3), (34, 8), (18, 4), (22, 8), (30, 3)]
        steps = converse(self.call(), *[incoming(n, each) for n, each in enumerate(converging, 1)])
        assert merges(*steps) == [("speaker-2", "speaker-1")]
        assert said(*steps[4:]) == [("speaker-1", "agent", False)] * 2
        assert names(steps[-1]) == {"apart/centroid/speaker-1", "apart/centroid_s/speaker-1"}

    def test_they_leave_the_states_of_the_others_as_they_would_be_without_them(self):
        heard = converse(self.call(), incoming(1, (0, 3), (60, 3)), incoming(2, (0, 3), (60, 3)))[-1]
        alone = converse(build(), *[incoming(n, (60, 3), role="customer") for n in (1, 2)])[-1]
        states = [snapshot.decode(one.record.state) for one in (heard, alone)]
        np.testing.assert_array_equal(states[0]["speaker/speaker-2"], states[1]["speaker/speaker-1"])


@pytest.mark.parametrize("order", [None, "", "x", "y"])
def test_the_table(order):
    roles = Roles(name={"n": "a"}, channel={"0": "b"}, first="c", others="d")
    by_order = {None: None, "": None, "x": "c", "y": "d"}[order]
    assert roles.of_voice("x", first_speaker=order) == by_order
    assert Roles(others="d").of_voice("x", first_speaker=order) == "d"
    assert roles.of_name("n", {"n": "z"}) == "a"
    assert roles.of_name("m", {"m": "z"}) == "z"
    assert roles.entered(Participant(speaker="n", role="q"), {}).role == "q"


def test_speakers_are_named_before_roles_are_given():
    assert speakers(*converse(build(roles=SIDES), incoming(1, (0, 3), channel="1", speaker="Ann"))) == ["Ann"]
