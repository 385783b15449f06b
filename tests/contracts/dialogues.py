"""Records the store's tests write."""

from schemas.events import EmotionEvent, Modalities, PolicyDecision, SpeakerSummary, StateNote
from schemas.record import DialogueRecord, OutboxEntry, Position
from schemas.segment import Participant


def position(offset: int = 0, *, partition: int = 0) -> Position:
    return Position(topic="turntone.segments", topic_id="t1", partition=partition, offset=offset)


def record(dialogue_id: str = "d1", *, version: int = 1, **changes: object) -> DialogueRecord:
    plain = DialogueRecord(
        dialogue_id=dialogue_id,
        version=version,
        incarnation="t1/0/0",
        position=position(version),
        updated_s=1000.0 + version,
        model_id="m1",
    )
    return plain.model_copy(update=changes)


def said(turn: int) -> EmotionEvent:
    return EmotionEvent(
        event_id="e1",
        dialogue_id="d1",
        turn=turn,
        speaker="Ana",
        start_s=1.5,
        end_s=2.25,
        label="joy",
        distribution={"joy": 0.75, "neutral": 0.25},
        modalities=Modalities(audio=True, video=False, video_missing="no face found"),
        model_id="m1",
        policy=PolicyDecision(allowed=True, rule="role agent is allowed"),
        state=StateNote(status="continued"),
    )


def full_record() -> DialogueRecord:
    """Every field has something in it."""
    return record(
        version=7,
        sequences={"/mic": 12, "/camera": 3},
        recent_ids=("a", "b"),
        roster={"Ana": Participant(speaker="Ana", role="agent", consent=True)},
        status="ended",
        turns=5,
        summary={"Ana": SpeakerSummary(turns=5, withheld=1, labels={"joy": 4})},
        alerts=b"\x01\x02",
        state=bytes(range(256)),
        restarted="the states were of another model",
        outbox=(
            OutboxEntry(
                position=position(7),
                topic="turntone.turns",
                key="d1",
                headers=(("ce_id", b"e1"), ("content-type", b"application/json")),
                value=b'{"turn":4}',
            ),
            OutboxEntry(position=position(7), topic="turntone.states", key="d1", value=None),
        ),
    )
