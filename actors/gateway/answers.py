"""What the gateway answers with: bodies that the routes make and the client reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from schemas.events import DialogueEvent, EmotionEvent
from schemas.labels import Emotion
from schemas.segment import Participant
from schemas.topics import SEGMENTS

Status = Literal["open", "ended", "failed"]
"""Of a dialogue."""


class Accepted(BaseModel):
    """A record that the broker has acknowledged, and where it stands."""

    dialogue_id: str = Field(examples=["call-7"])
    source: str = Field(examples=["/gateway/crm"])
    id: str = Field(examples=["1"])
    sequence: int = Field(examples=[1])
    topic: str = Field(examples=[SEGMENTS])
    partition: int = Field(examples=[2])
    offset: int = Field(examples=[41])


class DialogueLine(BaseModel):
    """One dialogue in a list."""

    dialogue_id: str = Field(examples=["call-7"])
    status: Status
    turns: int = Field(examples=[12])
    speakers: Sequence[str] = Field(examples=[["ann", "ben"]])
    last_label: Emotion | None = Field(examples=["anger"])
    end_s: float | None = Field(description="Seconds in the dialogue at the end of the last turn.", examples=[62.5])


class DialogueList(BaseModel):
    """The dialogues, the one heard of last first."""

    dialogues: Sequence[DialogueLine]


class LiveState(BaseModel):
    """What is kept of a dialogue in the store, without what the models keep of voices and faces."""

    status: str
    incarnation: str
    turns: int
    updated: datetime
    participants: Mapping[str, Participant]
    aliases: Mapping[str, str]
    model_id: str
    waiting: int = Field(description="Records that are written and may not have been published yet.")


class DialogueTurns(BaseModel):
    """One dialogue with its turns."""

    dialogue_id: str
    status: Status
    turns: Sequence[EmotionEvent]
    left_out: int = Field(description="Older turns that are kept no more.")
    life: DialogueEvent | None = Field(description="The last event of its life cycle; at the end, its summary.")
    live: LiveState | None = Field(description="Null where the store keeps nothing of it any more.")


class ProblemDetails(BaseModel):
    """What a refusal says."""

    type: str
    """A name for this kind of problem: a URN, nothing to be fetched."""
    title: str
    status: int
    detail: str
