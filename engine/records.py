"""How a dialogue's record goes on from one segment to the next."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from engine import summary
from engine.alerts import state as alerts
from engine.diarization.base import Merge
from engine.errors import BadSegment
from schemas.events import EmotionEvent, SpeakerSummary, StateNote
from schemas.record import DialogueRecord, Position, SpeakerCourse
from schemas.segment import MOST_PARTICIPANTS, Participant, Segment
from schemas.topics import ENDED_TYPE, STARTED_TYPE

RECENT_IDS = 64
"""How many ids of a dialogue's last records are remembered, to know a producer's duplicate."""


MIXED = ""
"""Where in `DialogueRecord.voices` those are who were heard on a channel that has no role."""

UNKNOWN = ""
"""Who spoke first, where somebody did whom we did not hear or have forgotten."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The record a segment is worked on."""

    record: DialogueRecord
    """Position, sequences and ids already this segment's; version, turns and state still the last one's."""
    note: StateNote
    is_new: bool
    """The segment opens an incarnation."""


def go_on(
    record: DialogueRecord | None, segment: Segment, position: Position, *, model_id: str, now_s: float
) -> Opened:
    """The stored record, or a new incarnation of the dialogue where there is none or it has ended."""
    is_new = record is None or (record.status == "ended" and segment.type != ENDED_TYPE)
    if record is None or is_new:
        note = _first_note(segment, reopened=record is not None)
        record = DialogueRecord(
            dialogue_id=segment.dialogue_id,
            version=record.version if record else 0,
            incarnation=str(position),
            position=position,
            # A late duplicate must not open the dialogue again.
            sequences=record.sequences if record else {},
            recent_ids=record.recent_ids if record else (),
            roster=_lasting(record) if record else {},
            announced=record.announced if record else (),
            first_speaker=UNKNOWN if note.status == "restarted" else None,
            speakers=record.speakers if record else None,
            model_id=model_id,
            restarted=note.reason,
        )
    elif record.model_id != model_id:
        # Nobody looks at these turns again.
        record = settled(record, [one.event for one in record.recent])
        reason = f"the model changed from {record.model_id}"
        afresh = {
            "model_id": model_id,
            "restarted": reason,
            "state": b"",
            "roster": _lasting(record),
            "voices": {},
            "aliases": {},
            "first_speaker": UNKNOWN,
            "recent": (),
            "alerts": b"",
        }
        record = record.model_copy(update=afresh)
    sequences = record.sequences
    if segment.source in sequences or len(sequences) < MOST_PARTICIPANTS:
        last = max(segment.sequence, sequences.get(segment.source, segment.sequence))
        sequences = {**sequences, segment.source: last}
    opened = record.model_copy(
        update={
            "position": position,
            "sequences": sequences,
            "recent_ids": (*record.recent_ids, segment.origin)[-RECENT_IDS:],
            "updated_s": now_s,
            "outbox": (),
        }
    )
    return Opened(record=opened, note=_note(opened), is_new=is_new)


def counted(record: DialogueRecord, event: EmotionEvent) -> DialogueRecord:
    """The record after one more event: turns without speech have no number."""
    if event.turn is None or event.speaker is None:
        return record.model_copy(update={"turns": record.turns + (event.turn is not None)})
    after = summary.counted(record.summary.get(event.speaker, SpeakerSummary()), event)
    return record.model_copy(update={"turns": record.turns + 1, "summary": {**record.summary, event.speaker: after}})


def settled(record: DialogueRecord, events: Iterable[EmotionEvent]) -> DialogueRecord:
    """The record with turns that are not said again any more in the courses of their speakers, as they are by now."""
    courses = dict(record.courses)
    for event in events:
        if event.turn is not None and event.speaker is not None:
            name = record.aliases.get(event.speaker, event.speaker)
            courses[name] = summary.entered(courses.get(name, SpeakerCourse()), event)
    return record.model_copy(update={"courses": courses})


def recounted(record: DialogueRecord, before: EmotionEvent, after: EmotionEvent) -> DialogueRecord:
    """The record in whose summary a turn has the label of its revision."""
    speaker = record.aliases.get(after.speaker or "", after.speaker or "")
    counts = record.summary.get(speaker)
    if counts is None:
        return record
    labels = dict(counts.labels)
    if before.label is not None:
        labels[before.label] = labels.get(before.label, 0) - 1
    if after.label is not None:
        labels[after.label] = labels.get(after.label, 0) + 1
    counts = counts.model_copy(update={"labels": {label: count for label, count in labels.items() if count > 0}})
    return record.model_copy(update={"summary": {**record.summary, speaker: counts}})


def with_voices(record: DialogueRecord, heard: Sequence[str], *, role: str) -> DialogueRecord:
    """The record with the voices diarization told apart on the channel of a role."""
    names = tuple(dict.fromkeys((*record.voices.get(role, ()), *heard)))
    return record.model_copy(update={"voices": {**record.voices, role: names}})


def with_merges(
    record: DialogueRecord, merges: Sequence[Merge], *, admits: Callable[[Participant], bool]
) -> DialogueRecord:
    """The record in which each merged id is the one it was folded into: its role, its channels and its turns.

    Where only one of both may be inferred by `admits`, the one that stays may not.
    """
    for one in merges:
        roster, counts, courses = dict(record.roster), dict(record.summary), dict(record.courses)
        gone, kept = roster.pop(one.speaker, None), roster.get(one.into)
        if gone is not None and (kept is None or not admits(gone)):
            roster[one.into] = gone.model_copy(update={"speaker": one.into})
        if one.speaker in counts:
            counts[one.into] = summary.added(counts.pop(one.speaker), counts.get(one.into, SpeakerSummary()))
        if one.speaker in courses:
            courses[one.into] = summary.merged(courses.pop(one.speaker), courses.get(one.into, SpeakerCourse()))

        def renamed(name: str, one: Merge = one) -> str:
            return one.into if name == one.speaker else name

        record = record.model_copy(
            update={
                "roster": roster,
                "summary": counts,
                "courses": courses,
                "voices": {role: tuple(dict.fromkeys(map(renamed, names))) for role, names in record.voices.items()},
                "aliases": {**{name: renamed(whose) for name, whose in record.aliases.items()}, one.speaker: one.into},
                "first_speaker": record.first_speaker and renamed(record.first_speaker),
                "alerts": alerts.merged(record.alerts, gone=one.speaker, into=one.into),
            }
        )
    return record


def with_roster(record: DialogueRecord, roster: Mapping[str, Participant], *, dropped: Set[str]) -> DialogueRecord:
    """The record with another roster; who is `dropped` has no voice in it any more, but stays in the roster.

    Of them nothing that was inferred stays: how often and how long they spoke does.
    """
    record = settled(record, [one.event for one in record.recent if one.event.speaker in dropped])
    update = {
        "roster": roster,
        "voices": {role: tuple(name for name in names if name not in dropped) for role, names in record.voices.items()},
        "recent": tuple(one for one in record.recent if one.event.speaker not in dropped),
        "alerts": alerts.without(record.alerts, dropped),
        "summary": {
            name: counts.model_copy(update={"labels": {}}) if name in dropped else counts
            for name, counts in record.summary.items()
        },
        "courses": {
            name: summary.erased(course) if name in dropped else course for name, course in record.courses.items()
        },
    }
    return record.model_copy(update=update)


def _lasting(record: DialogueRecord) -> Mapping[str, Participant]:
    """The roster without the voices that cannot be recognised again, for their centroids are gone with the state."""
    gone = {name for names in record.voices.values() for name in names}.difference(record.announced)
    return {name: who for name, who in record.roster.items() if name not in gone}


def check_bounds(record: DialogueRecord, segment: Segment) -> None:
    """Raise `BadSegment` where the segment brings one participant or source too many; any source may end a dialogue."""
    if segment.type == ENDED_TYPE:
        return
    heard = {name for names in record.voices.values() for name in names}
    crowd = "participants" if len(heard.union(record.roster)) > MOST_PARTICIPANTS else None
    if segment.source not in record.sequences:
        crowd = "sources"
    if crowd is not None:
        raise BadSegment(
            f"dialogue {record.dialogue_id} has {MOST_PARTICIPANTS} {crowd} already, and this segment brings more; "
            "send it under another dialogue's key, or under the names that are known"
        )


def within_bounds(record: DialogueRecord, *, known: Set[str]) -> DialogueRecord:
    """The record as it is; where it has too many participants, with none but the `known`."""
    if len(record.roster) <= MOST_PARTICIPANTS:
        return record
    return record.model_copy(update={"roster": {name: who for name, who in record.roster.items() if name in known}})


def _first_note(segment: Segment, *, reopened: bool) -> StateNote:
    if reopened or segment.type == STARTED_TYPE or segment.sequence <= 1:
        return StateNote(status="new")
    reason = f"nothing is known of the dialogue before sequence {segment.sequence}"
    return StateNote(status="restarted", reason=reason)


def _note(record: DialogueRecord) -> StateNote:
    if record.restarted is not None:
        return StateNote(status="restarted", reason=record.restarted)
    return StateNote(status="new" if record.turns == 0 else "continued")
