from actors.idle import IdleTimer
from engine.clock import ManualClock
from engine.state.memory import MemoryStore
from engine.transport.base import Outgoing
from schemas.cloudevents import read_segment
from schemas.record import DialogueRecord, Position
from schemas.segment import DialogueEnded
from schemas.topics import ENDED_TYPE, SEGMENTS


class Published:
    def __init__(self) -> None:
        self.pending: list[Outgoing] = []
        self.flushed: list[Outgoing] = []

    def publish(self, records):
        self.pending += records

    def flush(self):
        self.flushed += self.pending
        self.pending = []

    def close(self):
        pass


def record(dialogue_id: str, *, updated_s: float, version: int = 1) -> DialogueRecord:
    position = Position(topic=SEGMENTS, partition=0, offset=version)
    return DialogueRecord(
        dialogue_id=dialogue_id,
        version=version,
        incarnation=str(position),
        position=position,
        updated_s=updated_s,
        model_id="m",
    )


def test_only_the_silent_are_ended_once_and_with_the_version_that_was_seen():
    clock = ManualClock(start_s=1000.0)
    store, published = MemoryStore(clock=clock), Published()
    timer = IdleTimer(store=store, publisher=published, clock=clock, idle_s=60.0)
    store.commit([record("silent", updated_s=1000.0), record("lively", updated_s=1000.0)], ttl_s=600)
    assert timer.tick() == 0
    clock.advance(59.0)
    store.commit([record("lively", updated_s=clock.wall_s(), version=2)], ttl_s=600)
    clock.advance(2.0)
    assert timer.tick() == 1
    assert timer.tick() == 0
    (end,) = published.flushed
    assert end.topic == SEGMENTS
    segment = read_segment(end.key, end.headers)
    assert (segment.dialogue_id, segment.type, segment.sequence) == ("silent", ENDED_TYPE, 1)
    assert DialogueEnded.model_validate_json(end.value or b"") == DialogueEnded(reason="idle", version=1)


def test_a_dialogue_that_went_on_is_asked_about_again_when_it_falls_silent_again():
    clock = ManualClock(start_s=1000.0)
    store, published = MemoryStore(clock=clock), Published()
    timer = IdleTimer(store=store, publisher=published, clock=clock, idle_s=60.0)
    store.commit([record("d", updated_s=1000.0)], ttl_s=6000)
    clock.advance(61.0)
    assert timer.tick() == 1
    store.commit([record("d", updated_s=clock.wall_s(), version=2)], ttl_s=6000)
    clock.advance(61.0)
    assert timer.tick() == 1
    ids = [read_segment(end.key, end.headers).id for end in published.flushed]
    assert ids == ["idle-1", "idle-2"]
