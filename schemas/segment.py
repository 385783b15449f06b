"""What producers send: a timed span of media, or word that a dialogue starts or ends."""

from datetime import UTC, datetime
from operator import not_
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from schemas.message import Message


def _utc(time: datetime) -> datetime:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is not a time in UTC: its year is not one of 1 to 9999 there") from error


DialogueId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Time = Annotated[datetime, AfterValidator(_utc)]
SegmentType = Literal["turntone.segment.v1", "turntone.dialogue.started.v1", "turntone.dialogue.ended.v1"]

MOST_PARTICIPANTS = 1000
"""How many people, and how many sources, a dialogue may have: its record and its snapshot have to stay small."""


class Segment(Message):
    """The CloudEvents attributes of one record of `turntone.segments`; its media is the record's value."""

    dialogue_id: DialogueId
    """The Kafka key."""
    id: Name
    source: Name
    """Who produced it; `sequence` grows per dialogue and source."""
    type: SegmentType
    time: Time | None = None
    """Wall time of the segment's end, in UTC; latency counts from it."""
    datacontenttype: str | None = None
    sequence: Annotated[int, Field(ge=0)]
    starttime: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Seconds in the dialogue; required for media."""
    endtime: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    speaker: Name | None = None
    """A track or name the producer knows; trusted over diarization."""
    role: Name | None = None
    channel: Name | None = None
    """Which of a recording's channels it is, from "0", where each is a speaker's or a side's own."""
    consent: bool | None = None
    dataref: str | None = None
    """Address of media too big for a record."""
    traceparent: str | None = None
    redriveof: str | None = None
    """Event id of the dead letter this record tries again."""

    @property
    def origin(self) -> str:
        """The source and its id: CloudEvents promises that no two records share both."""
        return f"{self.source} {self.id}"

    @model_validator(mode="after")
    def _times_in_order(self) -> "Segment":
        if self.type == "turntone.segment.v1":
            if self.starttime is None or self.endtime is None:
                raise ValueError("a media segment needs starttime and endtime, in seconds of the dialogue")
            if self.endtime <= self.starttime:
                raise ValueError(f"endtime {self.endtime} is not after starttime {self.starttime}")
        return self


class Participant(Message):
    """Someone known to take part in a dialogue."""

    speaker: Name
    role: Name | None = None
    consent: bool | None = None


class Recording(Message):
    """That a dialogue was over before it was sent: how long it is, and how fast it is played."""

    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """About; none where nobody knows."""
    speed: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """1 is life; none: as fast as it is taken."""


class DialogueStarted(Message):
    """The value of a `turntone.dialogue.started.v1` record."""

    participants: Annotated[tuple[Participant, ...], Field(max_length=MOST_PARTICIPANTS)] = ()
    """Who takes part: where nobody says who speaks, no more voices are told apart than are named here."""
    speakers: Annotated[int, Field(ge=1, le=MOST_PARTICIPANTS)] | None = Field(default=None, exclude_if=not_)
    """How many people speak, where that is known without their names."""
    recording: Recording | None = Field(default=None, exclude_if=not_)
    """Where it is no conversation of now."""


class DialogueEnded(Message):
    """The value of a `turntone.dialogue.ended.v1` record."""

    reason: Name = "producer"
    version: int | None = None
    """The record's version a timer saw; the end is void if the version has moved since."""
