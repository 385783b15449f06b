"""One event as subscribers are told it, and which of them a subscriber wants."""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from actors.gateway.cursor import Offsets, cursor
from engine.transport.base import Headers, Incoming, Partition
from schemas.topics import ALERTS, DIALOGUES, TURNS

Kind = Literal["turn", "dialogue", "alert"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
KIND_OF: Final[Mapping[str, Kind]] = {TURNS: "turn", DIALOGUES: "dialogue", ALERTS: "alert"}
"""By topic."""
TOPICS: Final = tuple(KIND_OF)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A record of turns, dialogues or alerts."""

    id: str
    """The cursor behind it: who resumes after this id is told everything that comes later, and nothing twice."""
    kind: Kind
    dialogue_id: str
    speaker: str | None
    label: str | None
    value: bytes
    """JSON, as it stands in the topic."""
    headers: Headers
    place: Partition
    offset: int

    @property
    def event(self) -> dict[str, Any]:
        """The value, read."""
        read: dict[str, Any] = json.loads(self.value)
        return read


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscriber wants: an event has to be among each of those that are given."""

    kinds: Collection[str] = ()
    dialogues: Collection[str] = ()
    speakers: Collection[str] = ()
    labels: Collection[str] = ()

    def __contains__(self, told: Told) -> bool:
        return (
            (not self.kinds or told.kind in self.kinds)
            and (not self.dialogues or told.dialogue_id in self.dialogues)
            and (not self.speakers or told.speaker in self.speakers)
            and (not self.labels or told.label in self.labels)
        )


EVERYTHING: Final = Wanted()


def tell(record: Incoming, offsets: Offsets) -> Told | None:
    """A record as it is told; None for one that holds no event. `offsets`: where a reader is that has just read it."""
    place = record.position.topic, record.position.partition
    try:
        event = json.loads(record.value or b"")
        told = Told(
            id=cursor(offsets),
            kind=KIND_OF[place[0]],
            dialogue_id=record.key or "",
            speaker=event.get("speaker"),
            label=event.get("label"),
            value=record.value or b"",
            headers=record.headers,
            place=place,
            offset=record.position.offset,
        )
    except (ValueError, AttributeError):
        _log.warning("%s/%d/%d holds no event and is passed over", *place, record.position.offset)
        return None
    return told
