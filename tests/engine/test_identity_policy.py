"""Ways around the gate that a dialogue opens by itself: withdrawn consent, merges, a second beginning."""

import pytest

from engine import snapshot
from engine.errors import BadSegment
from engine.roles import Roles
from schemas.segment import MOST_PARTICIPANTS
from schemas.topics import ENDED_TYPE
from tests.engine.spoken import build, converse, incoming, merges, speakers, started, step, turns

CALL = Roles(first="customer", others="agent")


def inferred(*steps):
    return [event.label is not None for event in turns(*steps)]


def test_consent_withdrawn_on_a_mixed_channel_holds_for_whoever_speaks_there():
    known = started(("ann", "customer"), ("cem", "customer"))
    steps = converse(build(), known, incoming(1, (0, 3)), incoming(2, (0, 3), consent=False))
    assert inferred(*steps) == [True, False]
    assert turns(*steps)[1].policy.rule == "consent missing"


def test_nobody_is_told_apart_without_consent():
    pipeline = build(roles=CALL, identify_denied=True, consent=True)
    steps = converse(pipeline, incoming(1, (0, 3), (60, 3), consent=True), incoming(2, (0, 3), consent=False))
    assert inferred(*steps) == [True, False, False]


def test_who_turns_out_to_be_denied_while_another_speaks_is_nobodys_listener():
    first, second = incoming(1, (20, 5), role="customer"), incoming(2, (90, 5), role="customer")
    record = step(build(), None, first).record
    # Bob is enrolled while the dialogue goes on, and is known before he speaks again.
    pipeline = build(people=[("Bob", 0, "agent")])
    prepared = pipeline.prepare(pipeline.read(second), record)
    after = step(pipeline, record, second)
    assert merges(after) == [("speaker-1", "Bob")]
    assert speakers(after) == ["speaker-2"]
    assert prepared.request.announced == ("speaker-2",)
    assert not [name for name in prepared.request.tensors if name.endswith("Bob")]
    assert not [name for name in snapshot.decode(after.record.state) if name.endswith("Bob")]


def test_voices_of_a_mixed_channel_do_not_listen_to_the_dialogue_that_is_opened_again():
    pipeline = build(roles=Roles(first="customer", others="customer"))
    steps = converse(
        pipeline, incoming(1, (0, 3), (60, 3)), incoming(2, kind=ENDED_TYPE, value=b""), incoming(3, (90, 3))
    )
    assert inferred(*steps) == [True, True, True]
    assert set(steps[-1].record.roster) == set(speakers(steps[-1]))


def test_voices_without_a_role_are_bounded_too():
    first, second = incoming(1, (0, 3)), incoming(2, (90, 3))
    known = incoming(0, (0, 3), speaker="ann", role="customer")
    record = converse(build(), known, first)[-1].record
    crowd = {"": tuple(f"voice-{n}" for n in range(MOST_PARTICIPANTS - len(record.roster)))}
    with pytest.raises(BadSegment, match="participants already"):
        step(build(), record.model_copy(update={"voices": crowd}), second)
