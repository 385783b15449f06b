"""What subscribers read: one emotion event a turn, the life cycle of dialogues, and the ids of both."""

from collections.abc import Mapping
from hashlib import blake2b
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from schemas.labels import Emotion
from schemas.message import Message
from schemas.segment import DialogueId, Recording

Unit = Annotated[float, Field(ge=0, le=1)]
Signed = Annotated[float, Field(ge=-1, le=1)]

Severity = Literal["info", "warning", "critical"]
Abstention = Literal["no_speech", "withheld", "low_confidence", "no_modality"]
EventKind = Literal["turn", "no-speech", "started", "ended", "failed", "merged", "alert", "dead-letter"]


def event_id(
    *, dialogue_id: str, incarnation: str, source: str, sequence: int, kind: EventKind, index: int, revision: int = 0
) -> str:
    """The id of an event: one id has one content, for ever, whoever computes it and however often.

    `incarnation` is the position of the record that opened the dialogue's record, so that a dialogue
    that was forgotten, expired or reopened never repeats an id.
    """
    parts = (dialogue_id, incarnation, source, str(sequence), kind, str(index), str(revision))
    digest = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.hexdigest()


class Weights(Message):
    """How much each modality counted, the two summing to 1, and the model's own gate where it has one."""

    audio: Unit
    video: Unit
    gate: Mapping[str, float] = {}


class Modalities(Message):
    """Which modalities reached the model, and why one did not."""

    audio: bool
    video: bool
    audio_missing: str | None = None
    video_missing: str | None = None


class PolicyDecision(Message):
    """What the role gate said of this turn, and by which rule."""

    allowed: bool
    role: str | None = None
    rule: str


class StateNote(Message):
    """Whether the dialogue's states went on from the last turn, or began afresh and why."""

    status: Literal["continued", "new", "restarted"]
    reason: str | None = None


class EmotionEvent(Message):
    """One turn and what its speaker feels: the value of a record of `turntone.turns`.

    A turn without a decision says so in `abstained` and has no label. A withheld turn has neither
    distribution nor weights, for nothing was inferred.
    """

    schema_version: Literal[1] = 1
    event_id: str
    dialogue_id: DialogueId
    turn: int | None
    """Number of the turn in its dialogue, from 0; none where no one spoke."""
    speaker: str | None
    role: str | None = None
    start_s: float
    end_s: float
    label: Emotion | None
    distribution: Mapping[Emotion, Unit] | None = None
    valence: Signed | None = None
    arousal: Signed | None = None
    affect_source: Literal["regression", "circumplex"] | None = None
    """Where valence and arousal come from."""
    confidence: Unit | None = None
    """Calibrated probability that the label is right."""
    abstained: Abstention | None = None
    abstained_reason: str | None = None
    weights: Weights | None = None
    modalities: Modalities
    overlap: bool = False
    """Somebody else spoke over part of the turn."""
    late: bool = False
    """The turn came again from the dead letters, after later turns had stepped."""
    model_id: str
    policy: PolicyDecision
    state: StateNote
    revision: int = 0
    """1: said again when later turns were known; it stands in the place of the event of the same turn."""


def _absent(value: object) -> bool:
    return value is None


class TurningPoint(Message):
    """A turn at which a speaker's smoothed valence had moved far, or to the other side, since the point before."""

    turn: int
    start_s: float
    label: Emotion
    before: Signed
    """Smoothed valence at the turning point before, or at the speaker's first turn."""
    after: Signed
    """Smoothed valence at this turn."""


class Stretch(Message):
    """Answered turns of one speaker in a row, all of negative valence."""

    start_s: float
    end_s: float
    since_turn: int
    turns: int


class SpeakerSummary(Message):
    """One participant over a whole dialogue. Definitions: `engine/summary.py`; what was not answered counts as nothing.

    What is told at the end alone is not written before it.
    """

    turns: int = 0
    withheld: int = 0
    labels: Mapping[Emotion, int] = {}
    seconds: float | None = Field(default=None, exclude_if=_absent)
    """Of all turns, withheld ones too."""
    answered_share: Unit | None = Field(default=None, exclude_if=_absent)
    """Turns that have a label, of all."""
    withheld_share: Unit | None = Field(default=None, exclude_if=_absent)
    shares: Mapping[Emotion, Unit] = Field(default={}, exclude_if=not_)
    """Mean distribution, by time."""
    valence: Signed | None = Field(default=None, exclude_if=_absent)
    """Mean, by time."""
    arousal: Signed | None = Field(default=None, exclude_if=_absent)
    """Mean, by time."""
    turned: int = Field(default=0, exclude_if=not_)
    """How many turning points there were."""
    turning_points: tuple[TurningPoint, ...] = Field(default=(), exclude_if=not_)
    """The greatest of them, in order."""
    negative: Stretch | None = Field(default=None, exclude_if=_absent)
    """The longest stretch of negative valence."""


class AlertEvidence(Message):
    """One turn an alert rests on, as it was first said."""

    turn: int
    start_s: float
    end_s: float
    label: Emotion
    distribution: Mapping[Emotion, Unit]
    valence: Signed | None = None


class AlertEvent(Message):
    """A rule that fired: the value of a record of `turntone.alerts`. It is never taken back."""

    schema_version: Literal[1] = 1
    event_id: str
    dialogue_id: DialogueId
    rule: str
    """Name of the rule in the configuration."""
    severity: Severity
    speaker: str
    role: str | None = None
    turn: int
    """The turn it fired at."""
    start_s: float
    """Where that turn begins, in seconds of the dialogue."""
    since_turn: int
    """The first turn of the evidence."""
    evidence: Annotated[tuple[AlertEvidence, ...], Field(min_length=1)]
    """The turns of this speaker that fulfil the rule, in order."""
    valence_slope: float | None = None
    """Change of valence a turn, where the rule looks at it."""
    model_id: str


class DialogueEvent(Message):
    """The life of a dialogue: the value of a record of `turntone.dialogues`."""

    schema_version: Literal[1] = 1
    event_id: str
    dialogue_id: DialogueId
    status: Literal["started", "ended", "failed", "merged"]
    reason: str | None = None
    turns: int = 0
    speakers: Mapping[str, SpeakerSummary] = {}
    speaker: str | None = Field(default=None, exclude_if=not_)
    """Merged: the id that is used no more; its turns until here were those of `into`."""
    into: str | None = Field(default=None, exclude_if=not_)
    recording: Recording | None = Field(default=None, exclude_if=not_)
    """Started: what is played, where its producer said that it is a recording."""
