"""How a load reaches Turntone and hears of it, as a port; and the way by the log's own topics."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from engine.errors import PublishFailed, Unavailable
from engine.transport.base import Incoming, Outgoing, Publisher, Reader
from schemas.cloudevents import MalformedHeaders, read_segment, segment_headers
from schemas.events import EmotionEvent
from schemas.topics import DEAD_LETTERS, SEGMENTS, TURNS
from simulators.load.account import Sent
from simulators.load.wire import Cue


@dataclass(frozen=True, slots=True)
class Told:
    """A turn that was published."""

    event: EmotionEvent
    at_wall_s: float
    """When, seconds since 1970."""
    stages_ms: dict[str, float] | None = None
    """Where it is told with the event."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A segment that became a dead letter."""

    dialogue_id: str
    speaker: str
    start_s: float
    end_s: float


class Line(Protocol):
    """One load's way in and out; used from one thread."""

    def send(self, cue: Cue, *, due_wall_s: float) -> None:
        """Send a record; `due_wall_s`: the wall time at which what it holds was over. Does not wait for an answer."""
        ...

    def flush(self) -> Sequence[Sent]:
        """The utterances that were acknowledged since the last time."""
        ...

    def hear(self, *, timeout_s: float) -> Sequence[Told | Buried]:
        """What was told next; an empty sequence when nothing was within `timeout_s`."""
        ...


class LogLine:
    """By the topics: publishes as any producer does, reads turns and dead letters as any subscriber does.

    A broker that is away costs what was on its way, which is never acknowledged then.

    wait: sleeps for so many seconds.
    """

    def __init__(self, *, publisher: Publisher, reader: Reader, wait: Callable[[float], object]) -> None:
        self._publisher = publisher
        self._reader = reader
        self._wait = wait
        self._sent: list[Sent] = []

    def send(self, cue: Cue, *, due_wall_s: float) -> None:
        """See `Line.send`."""
        segment = cue.segment.model_copy(update={"time": datetime.fromtimestamp(due_wall_s, tz=UTC)})
        record = Outgoing(SEGMENTS, segment.dialogue_id, cue.value, segment_headers(segment))
        try:
            self._publisher.publish([record])
        except (PublishFailed, Unavailable):
            return
        if cue.sent is not None:
            self._sent.append(cue.sent)

    def flush(self) -> Sequence[Sent]:
        """See `Line.flush`."""
        sent, self._sent = self._sent, []
        try:
            self._publisher.flush()
        except (PublishFailed, Unavailable):
            return ()
        return sent

    def hear(self, *, timeout_s: float) -> Sequence[Told | Buried]:
        """See `Line.hear`."""
        try:
            records = self._reader.read(timeout_s=timeout_s)
        except Unavailable:
            self._wait(timeout_s)
            return ()
        told = (_told(record) for record in records)
        return [one for one in told if one is not None]


def _told(record: Incoming) -> Told | Buried | None:
    if record.position.topic == TURNS and record.value is not None:
        stages = dict(record.headers).get("turntone_stages_ms")
        event = EmotionEvent.model_validate_json(record.value)
        return Told(event, record.timestamp_s, json.loads(stages) if stages is not None else None)
    if record.position.topic != DEAD_LETTERS:
        return None
    try:
        segment = read_segment(record.key, record.headers)
    except MalformedHeaders:
        return None  # somebody else's
    return Buried(segment.dialogue_id, segment.speaker or "", segment.starttime or 0.0, segment.endtime or 0.0)
