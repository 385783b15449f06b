"""One segment's way, with stages whose answers are known."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from engine import snapshot
from engine.clock import ManualClock
from engine.diarization.base import Assignment
from engine.enrolled import EnrolledVoices
from engine.errors import BadMedia, BadSegment, SnapshotMismatch
from engine.identify import Identifier
from engine.media.claim import ClaimCheck
from engine.perceive import Perceiver
from engine.pipeline import Pipeline
from engine.policy import RoleGate
from engine.roles import Roles
from engine.signals import Estimate, Media, Span, StepOutcome, VoiceTurn
from engine.transport.base import Incoming
from schemas.cloudevents import segment_headers
from schemas.events import DialogueEvent, EmotionEvent
from schemas.record import Position
from schemas.segment import Segment
from schemas.topics import DEAD_LETTERS, DIALOGUES, ENDED_TYPE, SEGMENT_TYPE, SEGMENTS, STARTED_TYPE, TURNS


class DecodesSeconds:
    """The value is a number of seconds of quiet noise."""

    def decode(self, data, *, content_type, declared_s):
        if data == b"broken":
            raise BadMedia("these bytes are no media")
        return Media(duration_s=float(data), audio=np.full(int(float(data) * 16000), 0.1, np.float32))


class HearsEverything:
    def detect(self, audio):
        return (Span(0.0, len(audio) / 16000),) if len(audio) > 1600 else ()


class TwoVoices:
    """Without the producer's word: one voice, then another, under ids that nobody else has."""

    def assign(self, audio, speech, tensors, *, speaker=None, taken=frozenset(), enrolled, most):
        start, end = speech[0].start_s, speech[-1].end_s
        if speaker is not None:
            return Assignment(turns=(VoiceTurn(speaker, Span(start, end)),), tensors=tensors)
        half = (start + end) / 2
        known = [name.removeprefix("centroid/") for name in tensors if name.startswith("centroid/")]
        free = [name for name in ("speaker-1", "speaker-2", "speaker-3", "speaker-4") if name not in taken]
        one, other = known or free[:2]
        turns = (VoiceTurn(one, Span(start, half)), VoiceTurn(other, Span(half, end), overlap=True))
        learned = {f"centroid/{name}": np.ones(2, np.float32) for name in (one, other)}
        return Assignment(turns=turns, tensors={**tensors, **learned})


class NoFaces:
    def locate(self, media):
        return ()


def build(*, gate=None, **changes):
    gate = gate or RoleGate(allowed=frozenset({"customer"}), denied=frozenset({"agent"}), require_consent=False)
    stages = {"vad": HearsEverything(), "diarizer": TwoVoices(), "faces": NoFaces()}
    perceiver = Perceiver(**stages, speaking_face=lambda tracks, audio, span: "no face found", longest_turn_s=30.0)
    nobody = EnrolledVoices(store=None, embedding="e1", clock=ManualClock())
    parts = {
        "model_id": "m1",
        "gate": gate,
        "decoder": DecodesSeconds(),
        "claims": ClaimCheck(allowed=(), most_bytes=100, timeout_s=1),
        "identifier": Identifier(gate=gate, roles=Roles(), voices=nobody, perceiver=perceiver, speakers=None),
        "clock": ManualClock(),
        "on_model_change": "restart",
    }
    return Pipeline(**{**parts, **changes})


def incoming(offset, *, value=b"2.0", kind=SEGMENT_TYPE, **changes):
    fields = {
        "dialogue_id": "d",
        "id": f"id-{offset}",
        "source": "s",
        "type": kind,
        "sequence": offset,
        "time": datetime(2026, 1, 1, tzinfo=UTC),
        **({"starttime": 10.0, "endtime": 12.0} if kind == SEGMENT_TYPE else {}),
        **changes,
    }
    segment = Segment.model_validate(fields)
    position = Position(topic=SEGMENTS, partition=0, offset=offset)
    return Incoming(position=position, key="d", value=value, headers=segment_headers(segment))


def step(pipeline, record, message, *, label=1):
    prepared = pipeline.prepare(pipeline.read(message), record)
    outcome = None
    if prepared.request is not None:
        distribution = np.full(7, 0.05, np.float32)
        distribution[label] = 0.7
        estimate = Estimate(distribution, 0.7, 0.5, 0.25, "circumplex", 1.0, 0.0)
        spoken = {f"speaker/{turn.speaker}": np.ones(3, np.float32) for turn in prepared.request.turns}
        outcome = StepOutcome({**prepared.request.tensors, **spoken}, (estimate,) * len(prepared.request.turns))
    return pipeline.finish(prepared, outcome)


def turns(stepped):
    return [EmotionEvent.model_validate_json(e.value) for e in stepped.events if e.topic == TURNS]


def lifecycle(stepped):
    return [DialogueEvent.model_validate_json(e.value).status for e in stepped.events if e.topic == DIALOGUES]


def test_a_first_segment_opens_the_dialogue_and_gives_its_turn():
    stepped = step(build(), None, incoming(1, speaker="anna", role="customer"))
    (event,) = turns(stepped)
    assert lifecycle(stepped) == ["started"]
    assert (event.turn, event.speaker, event.label, event.state.status) == (0, "anna", "joy", "new")
    assert (event.start_s, event.end_s) == (10.0, 12.0)
    assert stepped.record.version == 1
    assert stepped.record.turns == 1
    assert stepped.record.summary["anna"].labels == {"joy": 1}
    assert "speaker/anna" in snapshot.decode(stepped.record.state)


def test_the_next_segment_goes_on():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    second = step(pipeline, first.record, incoming(2, speaker="anna", role="customer"))
    (event,) = turns(second)
    assert (event.turn, event.state.status, lifecycle(second)) == (1, "continued", [])
    assert second.record.incarnation == first.record.incarnation


def test_several_voices_give_a_turn_each():
    stepped = step(build(), None, incoming(1, role="customer"))
    assert [(e.turn, e.speaker, e.overlap) for e in turns(stepped)] == [
        (0, "speaker-1", False),
        (1, "speaker-2", True),
    ]
    assert set(stepped.record.roster) == {"speaker-1", "speaker-2"}


def test_a_voice_is_not_given_a_name_that_was_announced():
    pipeline = build()
    people = b'{"participants": [{"speaker": "speaker-1", "role": "agent"}]}'
    started = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=people))
    heard = step(pipeline, started.record, incoming(1, role="customer"))
    assert [event.speaker for event in turns(heard)] == ["speaker-2", "speaker-3"]
    assert "speaker/speaker-1" not in snapshot.decode(heard.record.state)


def test_a_long_turn_is_split():
    stepped = step(build(), None, incoming(1, value=b"70", speaker="anna", role="customer", endtime=80.0))
    assert [round(e.end_s - e.start_s, 2) for e in turns(stepped)] == [23.33, 23.33, 23.33]


def test_silence_gives_one_event_without_a_number():
    stepped = step(build(), None, incoming(1, value=b"0.05", speaker="anna", role="customer"))
    (event,) = turns(stepped)
    assert (event.turn, event.abstained, event.label) == (None, "no_speech", None)
    assert stepped.record.turns == 0


def test_a_withheld_turn_is_numbered_and_nothing_is_decoded():
    stepped = step(build(), None, incoming(1, value=b"broken", speaker="bob", role="agent"))
    (event,) = turns(stepped)
    assert (event.turn, event.abstained, event.distribution) == (0, "withheld", None)
    assert not event.policy.allowed
    assert stepped.record.state == b""


def test_who_becomes_denied_loses_their_state():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    second = step(pipeline, first.record, incoming(2, speaker="anna", role="agent"))
    assert "speaker/anna" not in snapshot.decode(second.record.state)
    assert "erased" in turns(second)[0].abstained_reason


def test_consent_withdrawn_on_a_channel_erases_the_voices_heard_there():
    pipeline = build()
    first = step(pipeline, None, incoming(1, role="customer", consent=True))
    assert "speaker/speaker-1" in snapshot.decode(first.record.state)
    second = step(pipeline, first.record, incoming(2, role="customer", consent=False))
    assert not [name for name in snapshot.decode(second.record.state) if "speaker-" in name]
    assert "erased" in turns(second)[0].abstained_reason
    prepared = pipeline.prepare(pipeline.read(incoming(3, speaker="anna", role="customer")), second.record)
    assert prepared.request.announced == ("anna",)


def test_a_voice_heard_on_two_channels_is_erased_with_either():
    pipeline = build(gate=RoleGate(allowed=frozenset({"a", "b"}), denied=frozenset(), require_consent=False))
    record = step(pipeline, None, incoming(1, role="a")).record
    record = step(pipeline, record, incoming(2, role="b")).record
    record = step(pipeline, record, incoming(3, role="b", consent=False)).record
    assert not [name for name in snapshot.decode(record.state) if "speaker-" in name]


def test_the_end_sums_up_and_keeps_no_state():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    ended = step(pipeline, first.record, incoming(2, kind=ENDED_TYPE, value=b'{"reason": "hung up"}'))
    event = DialogueEvent.model_validate_json(ended.events[-1].value)
    assert (event.status, event.reason, event.turns) == ("ended", "hung up", 1)
    assert (ended.record.status, ended.record.state) == ("ended", b"")


def test_a_timer_that_saw_an_older_version_is_void():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    timer = json.dumps({"reason": "idle", "version": first.record.version - 1}).encode()
    stepped = step(pipeline, first.record, incoming(2, kind=ENDED_TYPE, value=timer, source="timer", sequence=0))
    assert (stepped.record.status, stepped.events) == ("open", ())
    assert stepped.record.updated_s == first.record.updated_s


def test_a_segment_after_the_end_opens_a_new_incarnation():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    ended = step(pipeline, first.record, incoming(2, kind=ENDED_TYPE, value=b""))
    again = step(pipeline, ended.record, incoming(3, speaker="anna", role="customer"))
    assert lifecycle(again) == ["started"]
    assert again.record.incarnation != first.record.incarnation
    assert again.record.version == ended.record.version + 1
    assert turns(again)[0].turn == 0


def test_who_takes_part_is_known_after_the_end_but_for_the_voices_whose_sound_is_gone():
    pipeline = build()
    people = b'{"participants": [{"speaker": "anna", "role": "customer"}, {"speaker": "bob", "role": "agent"}]}'
    record = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=people)).record
    record = step(pipeline, record, incoming(1, role="customer")).record
    record = step(pipeline, record, incoming(2, kind=ENDED_TYPE, value=b"")).record
    again = step(pipeline, record, incoming(3, speaker="anna"))
    assert (set(again.record.roster), again.record.voices) == ({"anna", "bob"}, {})
    assert turns(again)[0].role == "customer"
    (event,) = turns(step(pipeline, again.record, incoming(4, speaker="bob", role="customer")))
    assert event.policy.rule == "denied earlier in this dialogue"


def test_announced_participants_reach_the_model_if_allowed():
    pipeline = build()
    people = b'{"participants": [{"speaker": "anna", "role": "customer"}, {"speaker": "bob", "role": "agent"}]}'
    started = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=people))
    prepared = pipeline.prepare(pipeline.read(incoming(1, speaker="anna")), started.record)
    assert prepared.request.announced == ("anna",)


def test_a_segment_out_of_nowhere_says_that_the_state_began_afresh():
    pipeline = build()
    first = step(pipeline, None, incoming(9, value=b"0.05", speaker="anna", role="customer"))
    assert turns(first)[0].state.status == "restarted"
    second = step(pipeline, first.record, incoming(10, speaker="anna", role="customer"))
    assert turns(second)[0].state.status == "new"


def test_a_new_model_begins_afresh_and_says_so_or_refuses():
    first = step(build(), None, incoming(1, speaker="anna", role="customer"))
    message = incoming(2, speaker="anna", role="customer")
    event = turns(step(build(model_id="m2"), first.record, message))[0]
    assert (event.turn, event.state.reason) == (1, "the model changed from m1")
    voices = step(build(), None, incoming(1, role="customer"))
    assert set(step(build(model_id="m2"), voices.record, message).record.roster) == {"anna"}
    refusing = build(model_id="m2", on_model_change="refuse")
    with pytest.raises(SnapshotMismatch, match="begun by model m1"):
        refusing.prepare(refusing.read(message), first.record)


def test_a_dead_letter_keeps_media_only_of_those_who_may_be_inferred():
    pipeline = build()
    for role, kept in (("customer", b"broken"), ("agent", b"")):
        arrival = pipeline.read(incoming(1, value=b"broken", speaker="x", role=role))
        stepped = pipeline.reject(arrival, None, error=BadMedia("no media"), stage="decode", attempts=1)
        dead = stepped.events[-1]
        assert (dead.topic, dead.value) == (DEAD_LETTERS, kept)
        assert dict(dead.headers)["turntone_error"] == b"BadMedia: no media"
        assert stepped.record.position == arrival.incoming.position


@pytest.mark.parametrize("named", [{"speaker": "anna"}, {}])
def test_consent_withdrawn_in_a_segment_that_becomes_a_dead_letter_is_withdrawn(named):
    pipeline = build()
    first = step(pipeline, None, incoming(1, role="customer", **named))
    arrival = pipeline.read(incoming(2, value=b"broken", role="customer", consent=False, **named))
    rejected = pipeline.reject(arrival, first.record, error=BadMedia("no media"), stage="decode", attempts=1)
    assert not [name for name in snapshot.decode(rejected.record.state) if "/" in name]
    (event,) = turns(step(pipeline, rejected.record, incoming(3, role="customer", consent=True, **named)))
    assert event.policy.rule == "denied earlier in this dialogue"


def test_a_record_without_a_dialogue_becomes_a_dead_letter_without_media():
    message = Incoming(position=Position(topic=SEGMENTS, partition=0, offset=4), key=None, value=b"voice", headers=())
    with pytest.raises(BadSegment, match="no key") as caught:
        build().read(message)
    (dead,) = build().orphan(message, error=caught.value)
    assert (dead.topic, dead.value) == (DEAD_LETTERS, b"")
    # Sent again as it is, it is refused again: no dialogue of that name gathers what belongs to none.
    assert dead.key == ""
    assert build().orphan(message, error=caught.value) == (dead,)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"value": b""}, BadMedia, "value is empty"),
        ({"value": b"broken"}, BadMedia, "no media"),
        ({"value": b"", "dataref": "file:///etc/passwd"}, BadSegment, "outside the allow-list"),
        ({"value": b"{", "kind": STARTED_TYPE}, BadSegment, "Invalid JSON"),
    ],
)
def test_bad_input_is_told_apart(changes, error, sentence):
    pipeline = build()
    arrival = pipeline.read(incoming(1, **{"speaker": "anna", "role": "customer", **changes}))
    with pytest.raises(error, match=sentence):
        pipeline.prepare(arrival, None)


def test_the_same_segment_gives_the_same_bytes_twice():
    message = incoming(1, speaker="anna", role="customer")
    first, second = step(build(), None, message), step(build(), None, message)
    assert [e.value for e in first.events] == [e.value for e in second.events]
    assert first.record == second.record


def test_who_is_announced_as_denied_in_the_middle_loses_their_state():
    pipeline = build()
    first = step(pipeline, None, incoming(1, speaker="anna", role="customer"))
    people = b'{"participants": [{"speaker": "anna", "role": "agent"}]}'
    second = step(pipeline, first.record, incoming(2, kind=STARTED_TYPE, value=people))
    assert "speaker/anna" not in snapshot.decode(second.record.state)


def test_a_mixed_segment_is_withheld_once_a_denied_channel_was_heard():
    pipeline = build()
    people = b'{"participants": [{"speaker": "anna", "role": "customer"}]}'
    started = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=people))
    channel = step(pipeline, started.record, incoming(1, role="agent"))
    (event,) = turns(step(pipeline, channel.record, incoming(2, value=b"broken")))
    assert event.abstained == "withheld"


def test_a_timer_for_a_dialogue_that_was_forgotten_begins_none():
    timer = json.dumps({"reason": "idle", "version": 4}).encode()
    stepped = step(build(), None, incoming(2, kind=ENDED_TYPE, value=timer, source="timer", sequence=4))
    assert (stepped.record.status, stepped.events) == ("ended", ())


def test_a_refused_segment_of_somebody_denied_leaves_no_media():
    pipeline = build()
    people = b'{"participants": [{"speaker": "bob", "role": "agent"}]}'
    started = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=people))
    arrival = pipeline.read(incoming(1, speaker="bob", role="customer"))
    (dead,) = pipeline.refuse(arrival, started.record, error=BadSegment("goes back"))
    assert dead.value == b""


def test_more_participants_than_a_record_can_hold_are_refused():
    people = [{"speaker": f"p{number}"} for number in range(1001)]
    arrival = build().read(incoming(0, kind=STARTED_TYPE, value=json.dumps({"participants": people}).encode()))
    with pytest.raises(BadSegment, match="participants: Tuple should have at most 1000 items"):
        build().prepare(arrival, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"speaker": "new", "role": "customer"},
        {"role": "agent"},
        {"role": "customer"},
        {"kind": STARTED_TYPE, "value": b'{"participants": [{"speaker": "new"}]}'},
    ],
)
def test_a_dialogue_takes_no_more_participants_than_an_announcement(changes):
    pipeline = build()
    people = [{"speaker": f"p{number}", "role": "customer"} for number in range(1000)]
    value = json.dumps({"participants": people}).encode()
    full = step(pipeline, None, incoming(0, kind=STARTED_TYPE, value=value)).record
    arrival = pipeline.read(incoming(1, **changes))
    with pytest.raises(BadSegment, match="dialogue d has 1000 participants already") as caught:
        pipeline.prepare(arrival, full)
    rejected = pipeline.reject(arrival, full, error=caught.value, stage="prepare", attempts=1)
    assert (rejected.record.roster, rejected.record.version) == (full.roster, full.version + 1)


def test_a_dialogue_takes_no_more_sources_but_can_be_ended_by_another():
    pipeline = build()
    full = step(pipeline, None, incoming(1, speaker="anna", role="customer")).record
    full = full.model_copy(update={"sequences": {f"s{number}": 1 for number in range(1000)}})
    arrival = pipeline.read(incoming(2, speaker="anna"))
    with pytest.raises(BadSegment, match="dialogue d has 1000 sources already") as caught:
        pipeline.prepare(arrival, full)
    rejected = pipeline.reject(arrival, full, error=caught.value, stage="prepare", attempts=1)
    assert rejected.record.sequences == full.sequences
    assert step(pipeline, full, incoming(3, kind=ENDED_TYPE, value=b"", source="timer")).record.status == "ended"
