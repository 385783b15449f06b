"""What lies in the store for one dialogue: where it is, who takes part, its states and its outbox."""

from collections.abc import Mapping
from typing import Literal

from schemas.events import EmotionEvent, SpeakerSummary, Stretch, TurningPoint
from schemas.labels import Emotion
from schemas.message import Message
from schemas.segment import DialogueId, Name, Participant


class Position(Message):
    """Where a record stands in the log."""

    topic: str
    topic_id: str = ""
    """The broker's id of the topic: a topic made anew under an old name starts its offsets again."""
    partition: int
    offset: int

    def covers(self, other: "Position") -> bool:
        """Whether `other` is at or below this position of the same topic and partition."""
        same = (self.topic, self.topic_id, self.partition) == (other.topic, other.topic_id, other.partition)
        return same and other.offset <= self.offset

    def __str__(self) -> str:
        return f"{self.topic_id or self.topic}/{self.partition}/{self.offset}"


class OutboxEntry(Message):
    """One record that is due to be published, kept until its owner has seen the flush."""

    position: Position
    """The segment this entry answers, or is published along with."""
    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...] = ()
    value: bytes | None


class Recent(Message):
    """A turn that may be said again when the turns after it are known."""

    event: EmotionEvent
    """As it was said."""
    revision_id: str
    """The id of its revision."""


class SpeakerCourse(Message):
    """What a speaker's summary needs of the turns until now, however many they are (`engine/summary.py`)."""

    seconds: float = 0.0
    """Of all turns."""
    answered_s: float = 0.0
    """Of those with a label."""
    emotion_s: Mapping[Emotion, float] = {}
    """Probability times seconds."""
    rated_s: float = 0.0
    """Of the answered ones, those with valence and arousal."""
    valence_s: float = 0.0
    """Valence times seconds."""
    arousal_s: float = 0.0
    smoothed: float | None = None
    """Valence, exponentially smoothed turn by turn."""
    reference: float = 0.0
    """What it was at the last turning point."""
    side: Literal[-1, 0, 1] = 0
    """On which side of 0 it was last, but for a band around it."""
    last_turn: int = -1
    turned: int = 0
    turning_points: tuple[TurningPoint, ...] = ()
    stretch: Stretch | None = None
    """The negative stretch that goes on."""
    longest: Stretch | None = None


class DialogueRecord(Message):
    """A dialogue as the store holds it; `version` grows by one with every write (compare-and-set).

    `state` is a safetensors file of named tensors (`context`, `emotion`, `speaker/<id>`, ...).
    """

    dialogue_id: DialogueId
    version: int = 0
    """0 means: never written."""
    incarnation: str
    """Position of the record that opened it, as text."""
    position: Position
    """The last segment that is in the state."""
    sequences: Mapping[str, int] = {}
    """Last sequence by source."""
    recent_ids: tuple[str, ...] = ()
    """`Segment.origin` of the last records."""
    roster: Mapping[str, Participant] = {}
    voices: Mapping[str, tuple[str, ...]] = {}
    """Participants that diarization told apart, by the role of the channel they were heard on; "" is a mixed one."""
    aliases: Mapping[str, str] = {}
    """Ids that turned out to be somebody else's voice, and whose; they are given to nobody again."""
    announced: tuple[Name, ...] = ()
    """Who was announced by name."""
    speakers: int | None = None
    """How many people speak, where the producer said so."""
    first_speaker: str | None = None
    """Who spoke first, where roles are given by it."""
    status: Literal["open", "ended"] = "open"
    turns: int = 0
    updated_s: float = 0.0
    """Wall time of the last write, seconds since 1970."""
    model_id: str
    summary: Mapping[str, SpeakerSummary] = {}
    """What is counted at once."""
    courses: Mapping[str, SpeakerCourse] = {}
    """What is told at the end: of turns that are not said again any more."""
    recent: tuple[Recent, ...] = ()
    """Its last turns, where they are looked at again; what that needs lies in `state`."""
    alerts: bytes = b""
    """What the rules have heard of its speakers, as JSON (`engine/alerts/state.py`)."""
    state: bytes = b""
    restarted: str | None = None
    """Why the states began afresh, until an event has said so."""
    outbox: tuple[OutboxEntry, ...] = ()
