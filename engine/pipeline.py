"""One segment's way, as pure steps: its record's state and the segment in, the next record and its events out."""

import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from pydantic import ValidationError

from engine import snapshot
from engine.alerts import state as alerts
from engine.alerts.rule import Rule
from engine.alerts.watch import watch
from engine.answers import Answering, Draft, orphan
from engine.clock import Clock
from engine.dialogue import recent
from engine.errors import BadMedia, BadSegment, SnapshotMismatch
from engine.identify import Identifier
from engine.media.base import Decoder
from engine.media.claim import ClaimCheck
from engine.policy import RoleGate, Roster
from engine.records import check_bounds, counted, go_on, settled, with_roster, within_bounds
from engine.revisions import remembered, said_again, waiting
from engine.signals import Estimate, Frames, StepOutcome, StepRequest, Tensors
from engine.tally import tally
from engine.tracing import Stage
from engine.transport.base import Incoming, Outgoing
from schemas.cloudevents import MalformedHeaders, read_attributes, read_segment
from schemas.events import Modalities, StateNote
from schemas.message import Message
from schemas.record import DialogueRecord, OutboxEntry
from schemas.segment import DialogueEnded, DialogueStarted, Participant, Segment
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE

Portray = Callable[[str, Frames], None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record of `turntone.segments` whose headers were read."""

    incoming: Incoming
    segment: Segment


@dataclass(frozen=True, slots=True)
class Prepared:
    """A segment up to the models: what they are asked, and all that is known without them."""

    arrival: Arrival
    record: DialogueRecord
    """The record as it will be, but for the turns, the state and the version."""
    tensors: Tensors
    note: StateNote
    drafts: tuple[Draft, ...] = ()
    asked: tuple[int, ...] = ()
    """Which drafts the request's turns belong to."""
    request: StepRequest | None = None
    lifecycle: tuple[OutboxEntry, ...] = ()
    ended: DialogueEnded | None = None
    """The dialogue ends with this segment."""
    stages_s: Mapping[str, float] = field(default_factory=dict)
    began_s: float = 0.0
    """Wall time at which the first of those stages began; each begins where the last one ends."""
    prepared_at_s: float = 0.0

    @property
    def dialogue_id(self) -> str:
        """Whose segment it is."""
        return self.record.dialogue_id


@dataclass(frozen=True, slots=True)
class Stepped:
    """The dialogue after a segment."""

    record: DialogueRecord
    """Version one above the last, position this segment's; its outbox is left empty for the commit to fill."""
    events: tuple[OutboxEntry, ...]
    tally: tuple[str, ...] = ()
    """The counts its events add one to."""
    stages: tuple[Stage, ...] = ()
    """What was done for it, in order."""


class Pipeline:
    """Policy, decoding, perception; then, with the models' answer, events and the next state.

    rules: those of the alerts. portray: is given the crops of a turn's speaking face with the id of the turn's event,
    for who keeps pictures in this process; no picture goes anywhere else.
    """

    def __init__(
        self,
        *,
        model_id: str,
        gate: RoleGate,
        decoder: Decoder,
        claims: ClaimCheck,
        identifier: Identifier,
        clock: Clock,
        on_model_change: Literal["restart", "refuse"],
        rules: Sequence[Rule] = (),
        portray: Portray | None = None,
    ) -> None:
        self.model_id = model_id
        self._rules = rules
        self._portray = portray
        self._gate = gate
        self._decoder = decoder
        self._claims = claims
        self._identifier = identifier
        self._clock = clock
        self._on_model_change = on_model_change

    def read(self, incoming: Incoming) -> Arrival:
        """The segment a record's headers describe. Raises `BadSegment`."""
        try:
            return Arrival(incoming=incoming, segment=read_segment(incoming.key, incoming.headers))
        except MalformedHeaders as error:
            raise BadSegment(str(error)) from error

    def prepare(self, arrival: Arrival, record: DialogueRecord | None) -> Prepared:
        """Everything that needs no model. Raises `BadInput`, `DecoderDied` or `MediaUnavailable`."""
        opened = self._open(arrival, record)
        if arrival.segment.type == STARTED_TYPE:
            prepared = self._prepare_started(opened)
        elif arrival.segment.type == ENDED_TYPE:
            prepared = self._prepare_ended(opened, before=record)
        else:
            prepared = self._prepare_media(opened)
        check_bounds(prepared.record, arrival.segment)
        return prepared

    def finish(self, prepared: Prepared, outcome: StepOutcome | None) -> Stepped:
        """The record and the events of a prepared segment, with the models' answer to its request."""
        answering = self._answering(prepared.arrival, prepared.record)
        estimates: dict[int, Estimate] = {}
        tensors = prepared.tensors
        turns = () if prepared.request is None else prepared.request.turns
        faces = {index: turn.faces for index, turn in zip(prepared.asked, turns, strict=True)}
        if outcome is not None:
            estimates = dict(zip(prepared.asked, outcome.estimates, strict=True))
            # Nothing of a voice or a face outlives its conversation.
            tensors = outcome.tensors if prepared.ended is None else {}
        stages = self._stages(prepared)
        stages_s = {stage.name: stage.seconds for stage in stages}
        record = prepared.record
        entries = list(prepared.lifecycle)
        counts: list[str] = []
        note = prepared.note
        watched, alarmed = alerts.decode(record.alerts), 0
        for index, draft in enumerate(prepared.drafts):
            event = answering.turn(
                draft,
                estimates.get(index),
                index=index,
                number=None if draft.silent else record.turns,
                note=note,
            )
            entries.append(answering.turn_entry(event, stages_s=stages_s))
            counts.extend(tally(event))
            seen = faces.get(index)
            if self._portray is not None and seen is not None:
                self._portray(event.event_id, seen)
            watched, fired = watch(self._rules, watched, event)
            entries.extend(answering.alert_entry(one, index=alarmed + i) for i, one in enumerate(fired))
            alarmed += len(fired)
            if index in estimates:
                record = remembered(record, event, revision_id=answering.id("turn", index, revision=1))
            else:
                record = settled(record, [event])
            record = counted(record, event)
            note = StateNote(status="continued")
        record, revisions = said_again(record, () if outcome is None else outcome.revised)
        entries.extend(answering.turn_entry(event, stages_s=stages_s) for event in revisions)
        counts.extend(name for event in revisions for name in tally(event))
        counts.extend(() if outcome is None else outcome.tally)
        record = waiting(record, tensors)
        if prepared.ended is not None:
            entries.append(answering.lifecycle_entry("ended", record, reason=prepared.ended.reason))
        # An event has said it now; without one, the next event still has to.
        restarted = prepared.record.restarted if not prepared.drafts else None
        record = record.model_copy(
            update={
                # Like the voices: what was heard of somebody does not outlive its conversation.
                "alerts": alerts.encode(watched) if prepared.ended is None else b"",
                "state": snapshot.encode(tensors),
                "restarted": restarted,
                "version": record.version + 1,
            }
        )
        return Stepped(record=record, events=tuple(entries), tally=tuple(counts), stages=stages)

    def reject(
        self, arrival: Arrival, record: DialogueRecord | None, *, error: Exception, stage: str, attempts: int
    ) -> Stepped:
        """Answer a segment with a dead letter; its media is kept only where its speaker may be inferred.

        What its headers say of its speaker holds all the same: consent withdrawn in it is withdrawn. A dialogue's end
        is no dead letter where only the second looks at its last turns fail: it ends without them.
        """
        if arrival.segment.type == ENDED_TYPE and stage != "prepare":
            return self.finish(replace(self.prepare(arrival, record), request=None), None)
        opened = self._open(arrival, record)
        ruling = self._identifier.rule(opened.arrival.segment, opened.record, opened.tensors)
        entered = self._entered(opened, ruling.roster)
        dead = self._answering(arrival, entered.record).dead_letter_entry(
            arrival.incoming,
            error=error,
            stage=stage,
            attempts=attempts,
            keep_media=ruling.all_allowed,
        )
        bounded = within_bounds(self._identifier.passed_over(entered.record), known=opened.record.roster.keys())
        rejected = bounded.model_copy(
            update={"state": snapshot.encode(entered.tensors), "version": bounded.version + 1}
        )
        return Stepped(record=rejected, events=(*opened.lifecycle, dead))

    def refuse(self, arrival: Arrival, record: DialogueRecord, *, error: Exception) -> Sequence[Outgoing]:
        """The dead letter of a segment that leaves its dialogue as it is; media is kept as in `reject`."""
        segment, _ = self._identifier.filled(arrival.segment, record)
        ruling = self._identifier.rule(segment, record, snapshot.decode(record.state))
        return (orphan(arrival.incoming, error=error, keep_media=ruling.all_allowed),)

    def orphan(self, incoming: Incoming, *, error: Exception) -> Sequence[Outgoing]:
        """The dead letter of a record whose headers name no dialogue; media of an unknown role is left out."""
        try:
            attributes = read_attributes(incoming.headers)
        except MalformedHeaders:
            attributes = {}
        consent = {"true": True, "false": False}.get(attributes.get("consent", ""))
        claimed = Participant(speaker="unknown", role=attributes.get("role") or None, consent=consent)
        return (orphan(incoming, error=error, keep_media=self._gate.admits(claimed)),)

    def _open(self, arrival: Arrival, record: DialogueRecord | None) -> Prepared:
        segment, position = arrival.segment, arrival.incoming.position
        foreign = record is not None and record.status == "open" and record.model_id != self.model_id
        if record is not None and foreign and self._on_model_change == "refuse":
            raise SnapshotMismatch(
                f"dialogue {record.dialogue_id} was begun by model {record.model_id}, this is {self.model_id}; "
                "serve that checkpoint, or set dialogue.on_model_change to 'restart'"
            )
        opened = go_on(record, segment, position, model_id=self.model_id, now_s=self._clock.wall_s())
        lifecycle: tuple[OutboxEntry, ...] = ()
        if opened.is_new:
            started = self._answering(arrival, opened.record)
            lifecycle = (started.lifecycle_entry("started", opened.record, reason=opened.note.reason),)
        record = opened.record
        if segment.type == SEGMENT_TYPE:
            segment, record = self._identifier.filled(segment, record)
        return Prepared(
            arrival=replace(arrival, segment=segment),
            record=record,
            tensors=snapshot.decode(opened.record.state),
            note=opened.note,
            lifecycle=lifecycle,
        )

    def _prepare_started(self, opened: Prepared) -> Prepared:
        started = _parse(DialogueStarted, opened.arrival)
        before = opened.record
        if opened.lifecycle and started.recording is not None:
            told = self._answering(opened.arrival, before).lifecycle_entry(
                "started", before, reason=opened.note.reason, recording=started.recording
            )
            opened = replace(opened, lifecycle=(told,))
        participants = self._identifier.entered(started.participants, before.roster)
        entered = self._entered(opened, self._gate.enter(participants, before.roster))
        named = dict.fromkeys((*before.announced, *(who.speaker for who in participants)))
        known = {"announced": tuple(named), "speakers": started.speakers or before.speakers}
        return replace(entered, record=entered.record.model_copy(update=known))

    def _prepare_ended(self, opened: Prepared, *, before: DialogueRecord | None) -> Prepared:
        ended = _parse(DialogueEnded, opened.arrival)
        if before is None and ended.version is not None:
            # What the timer saw is forgotten or expired: nothing began here, so nothing is said of it.
            return replace(opened, record=opened.record.model_copy(update={"status": "ended"}), lifecycle=())
        void = before is not None and (
            before.status == "ended" or (ended.version is not None and ended.version != before.version)
        )
        if before is not None and void:
            # The dialogue went on after the timer looked, or has ended already: as if nothing had come.
            return replace(opened, record=opened.record.model_copy(update={"updated_s": before.updated_s}))
        record = opened.record.model_copy(update={"status": "ended"})
        request = None
        if recent.numbers(opened.tensors):
            request = StepRequest(tensors=opened.tensors, turns=(), ended=True)
        began_s = self._clock.monotonic_s()
        return replace(opened, record=record, tensors={}, ended=ended, request=request, prepared_at_s=began_s)

    def _entered(self, opened: Prepared, roster: Roster) -> Prepared:
        """The dialogue with this roster: of who is denied by it, or by a denied channel, nothing is kept."""
        before = opened.record
        roster = self._gate.with_channels(roster, before.voices)
        dropped = self._gate.dropped(before.roster, roster)
        record = with_roster(before, roster, dropped=dropped)
        return replace(opened, record=record, tensors=_without(opened.tensors, dropped))

    def _prepare_media(self, opened: Prepared) -> Prepared:
        segment = opened.arrival.segment
        ruling = self._identifier.rule(segment, opened.record, opened.tensors)
        entered = self._entered(opened, ruling.roster)
        record = entered.record
        start_s, end_s = segment.starttime or 0.0, segment.endtime or 0.0
        if not ruling.decision.allowed:
            reason = ruling.decision.rule
            if self._gate.dropped(opened.record.roster, record.roster):
                reason += "; what was kept of the speaker until now is erased"
            withheld = Draft(
                speaker=segment.speaker,
                role=ruling.decision.role,
                start_s=start_s,
                end_s=end_s,
                modalities=Modalities(audio=False, video=False, audio_missing="withheld", video_missing="withheld"),
                policy=ruling.decision,
                withheld=True,
                reason=reason,
            )
            return replace(entered, record=self._identifier.passed_over(record), drafts=(withheld,))
        began_s, began = self._clock.wall_s(), time.perf_counter()
        media = self._decoder.decode(
            self._media_of(opened.arrival), content_type=segment.datacontenttype, declared_s=end_s - start_s
        )
        decoded_s = time.perf_counter() - began
        found = self._identifier.identify(media, segment, ruling, record, entered.tensors)
        answering = self._answering(opened.arrival, record)
        merged = (answering.merged_entry(one, record, index=index) for index, one in enumerate(found.merges))
        return replace(
            opened,
            record=found.record,
            tensors=found.tensors,
            drafts=found.drafts,
            asked=found.asked,
            request=found.request,
            lifecycle=(*opened.lifecycle, *merged),
            stages_s={"decode": decoded_s, **found.seconds},
            began_s=began_s,
            prepared_at_s=self._clock.monotonic_s(),
        )

    def _stages(self, prepared: Prepared) -> tuple[Stage, ...]:
        at_s, stages = prepared.began_s, []
        for name, seconds in prepared.stages_s.items():
            stages.append(Stage(name, at_s, seconds))
            at_s += seconds
        if prepared.request is not None:
            seconds = self._clock.monotonic_s() - prepared.prepared_at_s
            stages.append(Stage("infer", self._clock.wall_s() - seconds, seconds))
        return tuple(stages)

    def _media_of(self, arrival: Arrival) -> bytes:
        if arrival.segment.dataref is not None:
            return self._claims.fetch(arrival.segment.dataref)
        if not arrival.incoming.value:
            raise BadMedia("the record's value is empty and it names no dataref")
        return arrival.incoming.value

    def _answering(self, arrival: Arrival, record: DialogueRecord) -> Answering:
        return Answering(
            segment=arrival.segment,
            position=arrival.incoming.position,
            incarnation=record.incarnation,
            model_id=self.model_id,
        )


def _without(tensors: Tensors, speakers: Set[str]) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if name.partition("/")[2] not in speakers}


_Body = TypeVar("_Body", bound=Message)


def _parse(kind: type[_Body], arrival: Arrival) -> _Body:
    try:
        return kind.model_validate_json(arrival.incoming.value or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "value"
        raise BadSegment(f"the value of a {arrival.segment.type} record: {where}: {first['msg']}") from error
