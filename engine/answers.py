"""What a segment is answered with: events and dead letters as entries of the outbox."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from engine.alerts.watch import Fired
from engine.diarization.base import Merge
from engine.diarization.merge import is_numbered
from engine.signals import Estimate, Revised
from engine.summary import summed
from engine.tracing import legible
from engine.transport.base import Headers, Incoming, Outgoing
from schemas.cloudevents import event_headers
from schemas.events import (
    AlertEvent,
    DialogueEvent,
    EmotionEvent,
    EventKind,
    Modalities,
    PolicyDecision,
    SpeakerSummary,
    StateNote,
    Weights,
    event_id,
)
from schemas.labels import EMOTIONS, Emotion
from schemas.record import DialogueRecord, OutboxEntry, Position, SpeakerCourse
from schemas.segment import Recording, Segment
from schemas.topics import (
    ALERT_TYPE,
    ALERTS,
    DEAD_LETTER_TYPE,
    DEAD_LETTERS,
    DIALOGUES,
    LIFECYCLE_TYPE,
    MAX_SEGMENT_BYTES,
    TURN_TYPE,
    TURNS,
)

_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Draft:
    """A turn of a segment, all but what the models say of it."""

    speaker: str | None
    role: str | None
    start_s: float
    end_s: float
    modalities: Modalities
    policy: PolicyDecision
    overlap: bool = False
    silent: bool = False
    """Nobody spoke: the event has no turn number."""
    withheld: bool = False
    reason: str | None = None
    """More about why there is no decision."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What all the events of one segment have in common."""

    segment: Segment
    position: Position
    incarnation: str
    model_id: str

    def id(self, kind: EventKind, index: int, *, revision: int = 0) -> str:
        """The id of this segment's `index`-th event of a kind, or of a later revision of it."""
        source = self.segment.source
        if self.segment.redriveof is not None:
            # Each try again is an answer of its own; where it stands in the log tells them apart for ever.
            source = f"{source}|{self.segment.redriveof}|{self.position}"
        return event_id(
            dialogue_id=self.segment.dialogue_id,
            incarnation=self.incarnation,
            source=source,
            sequence=self.segment.sequence,
            kind=kind,
            index=index,
            revision=revision,
        )

    def turn(
        self,
        draft: Draft,
        estimate: Estimate | None,
        *,
        index: int,
        number: int | None,
        note: StateNote,
    ) -> EmotionEvent:
        """The event of one turn."""
        event = EmotionEvent(
            event_id=self.id("no-speech" if draft.silent else "turn", index),
            dialogue_id=self.segment.dialogue_id,
            turn=number,
            speaker=draft.speaker,
            role=draft.role,
            start_s=round(draft.start_s, 3),
            end_s=round(draft.end_s, 3),
            label=None,
            abstained="withheld" if draft.withheld else "no_speech" if draft.silent else "no_modality",
            abstained_reason=draft.reason,
            modalities=draft.modalities,
            overlap=draft.overlap,
            late=self.segment.redriveof is not None,
            model_id=self.model_id,
            policy=draft.policy,
            state=note,
        )
        if estimate is None:
            return event
        weights = Weights(
            audio=round(estimate.weight_audio, _DECIMALS),
            video=round(estimate.weight_video, _DECIMALS),
            gate={name: round(value, _DECIMALS) for name, value in estimate.gate.items()},
        )
        return event.model_copy(update={**decision(estimate), "weights": weights})

    def turn_entry(self, event: EmotionEvent, *, stages_s: Mapping[str, float]) -> OutboxEntry:
        """A turn on its way. Times of this run stand in a header, never in the value."""
        timing = json.dumps({stage: round(seconds * 1000, 2) for stage, seconds in stages_s.items()})
        headers = event_headers(
            event_id=event.event_id,
            event_type=TURN_TYPE,
            dialogue_id=event.dialogue_id,
            time=self.segment.time,
            traceparent=legible(self.segment.traceparent),
        )
        return self._entry(TURNS, (*headers, ("turntone_stages_ms", timing.encode())), event.model_dump_json().encode())

    def alert_entry(self, fired: Fired, *, index: int) -> OutboxEntry:
        """A rule that fired at a turn of this segment; `index` counts the segment's alerts."""
        now, slope = fired.evidence[-1], fired.valence_slope
        alert = AlertEvent(
            event_id=self.id("alert", index),
            dialogue_id=self.segment.dialogue_id,
            rule=fired.rule.name,
            severity=fired.rule.severity,
            speaker=fired.speaker,
            role=fired.role,
            turn=now.turn,
            start_s=now.start_s,
            since_turn=fired.evidence[0].turn,
            evidence=fired.evidence,
            valence_slope=None if slope is None else round(slope, _DECIMALS),
            model_id=self.model_id,
        )
        headers = event_headers(
            event_id=alert.event_id, event_type=ALERT_TYPE, dialogue_id=alert.dialogue_id, time=self.segment.time
        )
        return self._entry(ALERTS, headers, alert.model_dump_json().encode())

    def lifecycle_entry(
        self,
        status: str,
        record: DialogueRecord,
        *,
        reason: str | None,
        identity: str | None = None,
        recording: Recording | None = None,
    ) -> OutboxEntry:
        """Word that a dialogue started, ended or failed."""
        event = DialogueEvent.model_validate(
            {
                "event_id": identity if identity is not None else self.id(_KINDS[status], 0),
                "dialogue_id": record.dialogue_id,
                "status": status,
                "reason": reason,
                "turns": record.turns,
                "speakers": _summaries(record) if status == "ended" else {},
                "recording": recording,
            }
        )
        return self._lifecycle(event)

    def merged_entry(self, one: Merge, record: DialogueRecord, *, index: int) -> OutboxEntry:
        """Word that two ids turned out to be one voice; `record` is the dialogue before this segment's turns."""
        named = "an enrolled voice was recognised" if not is_numbered(one.into) else "one voice had two ids"
        event = DialogueEvent(
            event_id=self.id("merged", index),
            dialogue_id=record.dialogue_id,
            status="merged",
            reason=named,
            turns=record.turns,
            speaker=one.speaker,
            into=one.into,
        )
        return self._lifecycle(event)

    def dead_letter_entry(
        self, incoming: Incoming, *, error: Exception, stage: str, attempts: int, keep_media: bool
    ) -> OutboxEntry:
        """The original record and what went wrong with it."""
        headers = dead_letter_headers(incoming, self.id("dead-letter", 0), error=error, stage=stage, attempts=attempts)
        value, headers = _kept_media(incoming, headers, keep=keep_media)
        return self._entry(DEAD_LETTERS, headers, value)

    def _lifecycle(self, event: DialogueEvent) -> OutboxEntry:
        headers = event_headers(
            event_id=event.event_id,
            event_type=LIFECYCLE_TYPE,
            dialogue_id=event.dialogue_id,
            time=self.segment.time,
            traceparent=legible(self.segment.traceparent),
        )
        return self._entry(DIALOGUES, headers, event.model_dump_json().encode())

    def _entry(self, topic: str, headers: Headers, value: bytes | None) -> OutboxEntry:
        key = self.segment.dialogue_id
        return OutboxEntry(position=self.position, topic=topic, key=key, headers=headers, value=value)


_KINDS: Mapping[str, EventKind] = {"started": "started", "ended": "ended", "failed": "failed"}


def _summaries(record: DialogueRecord) -> Mapping[str, SpeakerSummary]:
    return {name: summed(counts, record.courses.get(name, SpeakerCourse())) for name, counts in record.summary.items()}


def orphan(incoming: Incoming, *, error: Exception, keep_media: bool) -> Outgoing:
    """The dead letter of a record that belongs to no dialogue; its id comes from its position."""
    key = incoming.key or ""
    identity = event_id(
        dialogue_id=key,
        incarnation=str(incoming.position),
        source="",
        sequence=0,
        kind="dead-letter",
        index=0,
    )
    headers = dead_letter_headers(incoming, identity, error=error, stage="read", attempts=0)
    value, headers = _kept_media(incoming, headers, keep=keep_media)
    return Outgoing(topic=DEAD_LETTERS, key=key, value=value, headers=headers)


def dead_letter_headers(incoming: Incoming, identity: str, *, error: Exception, stage: str, attempts: int) -> Headers:
    """The record's own headers, and beside them the error, the stage, the attempts and where it stood."""
    notes = {
        "turntone_id": identity,
        "turntone_type": DEAD_LETTER_TYPE,
        "turntone_error": f"{type(error).__name__}: {error}"[:2000],
        "turntone_stage": stage,
        "turntone_attempts": str(attempts),
        "turntone_position": str(incoming.position),
    }
    kept = tuple((name, value) for name, value in incoming.headers if not name.startswith("turntone_"))
    return (*kept, *((name, value.encode()) for name, value in notes.items()))


def _kept_media(incoming: Incoming, headers: Headers, *, keep: bool) -> tuple[bytes | None, Headers]:
    if not keep:
        return b"", (*headers, ("turntone_media", b"withheld by policy"))
    if incoming.value is not None and len(incoming.value) > MAX_SEGMENT_BYTES:
        return b"", (*headers, ("turntone_media", b"left out: larger than a segment may be"))
    return incoming.value if incoming.value is not None else b"", headers


def decision(said: Estimate | Revised) -> dict[str, object]:
    """The fields of an event that say what the models found."""
    distribution = {label: round(float(p), _DECIMALS) for label, p in zip(EMOTIONS, said.distribution, strict=True)}
    label: Emotion = EMOTIONS[int(said.distribution.argmax())]
    return {
        "label": None if said.abstained else label,
        "distribution": distribution,
        "valence": round(said.valence, _DECIMALS),
        "arousal": round(said.arousal, _DECIMALS),
        "affect_source": said.affect_source,
        "confidence": round(said.confidence, _DECIMALS),
        "abstained": "low_confidence" if said.abstained else None,
        "abstained_reason": said.abstained,
    }
