"""The timer of silent dialogues: it *produces* their end, which flows through the normal commit."""

from datetime import UTC, datetime

from engine.clock import Clock
from engine.state.base import OpenDialogue, Store
from engine.transport.base import Outgoing, Publisher
from schemas.cloudevents import JSON, segment_headers
from schemas.segment import DialogueEnded, Segment
from schemas.topics import ENDED_TYPE, SEGMENTS

SOURCE = "/turntone/idle"


class IdleTimer:
    """Ends dialogues nobody has spoken in for `idle_s` seconds.

    An end names the version of the record it saw and is void if the dialogue has gone on since. The same end produced
    twice (by two supervisors, or after a restart) is the same id and the same sequence: a producer's duplicate.
    """

    def __init__(self, *, store: Store, publisher: Publisher, clock: Clock, idle_s: float, most: int = 1000) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._idle_s = idle_s
        self._most = most
        self._asked: dict[str, int] = {}

    def tick(self) -> int:
        """Produce the ends that are due; returns how many. Raises `Unavailable` or `PublishFailed`."""
        now_s = self._clock.wall_s()
        silent = self._store.open_dialogues(updated_before_s=now_s - self._idle_s, most=self._most)
        due = [one for one in silent if self._asked.get(one.dialogue_id) != one.version]
        if due:
            self._publisher.publish([_end(one, now_s=now_s) for one in due])
            self._publisher.flush()
        self._asked = {one.dialogue_id: one.version for one in silent}
        return len(due)


def _end(dialogue: OpenDialogue, *, now_s: float) -> Outgoing:
    segment = Segment(
        dialogue_id=dialogue.dialogue_id,
        id=f"idle-{dialogue.version}",
        source=SOURCE,
        type=ENDED_TYPE,
        time=datetime.fromtimestamp(now_s, UTC),
        datacontenttype=JSON,
        sequence=dialogue.version,
    )
    value = DialogueEnded(reason="idle", version=dialogue.version).model_dump_json().encode()
    return Outgoing(topic=SEGMENTS, key=dialogue.dialogue_id, value=value, headers=segment_headers(segment))
