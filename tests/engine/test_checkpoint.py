"""What a segment is to its dialogue, which offsets are done, and what an outbox keeps."""

import pytest

from engine.checkpoint import Offsets, Verdict, classify
from engine.transport.base import Incoming
from schemas.record import DialogueRecord, OutboxEntry, Position
from schemas.segment import Segment
from schemas.topics import DEAD_LETTERS, SEGMENT_TYPE, TURNS
from tests.laws.world import GROUP, World


def at(offset: int, *, topic_id: str = "one", partition: int = 0) -> Position:
    return Position(topic="t", topic_id=topic_id, partition=partition, offset=offset)


def segment(sequence: int, *, name: str | None = None, source: str = "s", redriveof: str | None = None) -> Segment:
    return Segment(
        dialogue_id="d",
        id=name or f"id-{source}-{sequence}",
        source=source,
        type=SEGMENT_TYPE,
        sequence=sequence,
        starttime=0.0,
        endtime=1.0,
        redriveof=redriveof,
    )


RECORD = DialogueRecord(
    dialogue_id="d",
    version=3,
    incarnation="0",
    position=at(10),
    sequences={"s": 5},
    recent_ids=("s id-s-4", "s id-s-5", "s jumped"),
    model_id="m",
)


@pytest.mark.parametrize(
    ("position", "came", "verdict"),
    [
        (at(11), segment(6), Verdict.NEW),
        (at(11), segment(0, source="other"), Verdict.NEW),
        (at(10), segment(5), Verdict.REPLAY),
        (at(3), segment(2), Verdict.REPLAY),
        (at(3, partition=1), segment(6), Verdict.NEW),
        (at(3, topic_id="two"), segment(6), Verdict.NEW),
        (at(11), segment(5), Verdict.DUPLICATE),
        (at(11), segment(4), Verdict.DUPLICATE),
        (at(11), segment(9, name="jumped"), Verdict.DUPLICATE),
        (at(11), segment(9, name="jumped", source="other"), Verdict.NEW),
        (at(3, partition=1), segment(5), Verdict.DUPLICATE),
        (at(11), segment(2), Verdict.BACKWARDS),
        (at(11), segment(2, redriveof="dead"), Verdict.NEW),
        (at(9), segment(2, redriveof="dead"), Verdict.REPLAY),
    ],
)
def test_classify(position: Position, came: Segment, verdict: Verdict) -> None:
    assert classify(RECORD, position, came) is verdict
    assert classify(None, position, came) is Verdict.NEW


def test_offsets_are_due_only_below_everything_that_is_not_done() -> None:
    offsets = Offsets(at(4))
    for offset in (4, 5, 8):
        offsets.deliver(at(offset))
    assert offsets.due is None
    offsets.finish(at(5))
    assert offsets.due is None
    offsets.finish(at(4))
    assert offsets.due == 8
    offsets.committed(8)
    assert offsets.due is None
    offsets.finish(at(8))
    assert offsets.due == 9


def test_offsets_never_go_back() -> None:
    offsets = Offsets(at(4))
    offsets.deliver(at(4))
    offsets.finish(at(4))
    offsets.committed(5)
    offsets.deliver(at(2))
    assert offsets.due is None


def test_a_flush_is_vouched_for_below_the_first_offset_and_for_what_is_done() -> None:
    offsets = Offsets(at(4))
    offsets.deliver(at(4))
    offsets.deliver(at(5))
    offsets.finish(at(5))
    assert [offset for offset in range(8) if offsets.seen(at(offset))] == [0, 1, 2, 3, 5]
    assert not offsets.seen(at(1, topic_id="two"))


def stored(world: World, dialogue_id: str) -> DialogueRecord:
    return world.store.load([dialogue_id]).records[dialogue_id]


def test_an_outbox_holds_the_last_segment_only_once_the_flush_was_seen() -> None:
    world = World(partitions=1)
    for sequence in range(3):
        world.produce("d0", sequence)
    assert world.worker().work()
    assert [entry.position.offset for entry in stored(world, "d0").outbox] == [2, 2]


def test_what_was_left_by_another_making_of_the_topic_is_published_once_and_dropped() -> None:
    world = World(partitions=1)
    world.produce("d0", 0)
    assert world.worker().work()
    foreign = OutboxEntry(position=at(7), topic=TURNS, key="d0", headers=(("ce_id", b"left"),), value=b"{}")
    before = stored(world, "d0")
    left = before.model_copy(update={"version": before.version + 1, "outbox": (*before.outbox, foreign)})
    assert not world.store.commit([left], ttl_s=60.0)

    world.produce("d0", 1)
    worker = world.worker()
    world.broker.expire(GROUP, "w0")
    assert worker.work()
    assert "left" in [identity for identity, _ in world.log()["d0"]]
    assert [entry.position.offset for entry in stored(world, "d0").outbox] == [1, 1, 1]
    world.produce("d0", 2)
    assert worker.work()
    assert [entry.position.offset for entry in stored(world, "d0").outbox] == [2, 2]
    assert len([record for record in world.broker.records(TURNS) if ("ce_id", b"left") in record.headers]) == 1


def test_a_duplicate_is_answered_once_and_leaves_no_trace() -> None:
    world = World(partitions=1)
    for sequence in (0, 0, 1, 1, 0):
        world.produce("d0", sequence)
    assert world.worker().work()
    assert world.texts() == {"d0": ["d0.0", "d0.1"]}
    assert len(world.broker.records(TURNS)) == 4
    assert stored(world, "d0").version == 2
    assert world.counts["duplicate"] == 3
    assert world.broker.records(DEAD_LETTERS) == ()


def test_a_sequence_that_goes_back_is_refused_with_a_reason_every_time() -> None:
    world = World(partitions=1)
    world.produce("d0", 5)
    world.produce("d0", 2, id="another")
    world.produce("d0", 2, id="yet another")
    world.produce("d0", 6)
    assert world.worker().work()
    assert world.texts() == {"d0": ["d0.5", "d0.6"]}
    dead: list[Incoming] = list(world.broker.records(DEAD_LETTERS))
    assert len(world.log(DEAD_LETTERS)["d0"]) == len(dead) == 2
    assert b"sequence 2 of source test goes back" in (dead[0].value or b"")


def test_a_redrive_passes_the_producers_rule() -> None:
    world = World(partitions=1)
    for sequence in range(3):
        world.produce("d0", sequence)
    world.produce("d0", 1, value="again", redriveof="dead")
    assert world.worker().work()
    assert world.texts() == {"d0": ["d0.0", "d0.1", "d0.2", "again"]}
