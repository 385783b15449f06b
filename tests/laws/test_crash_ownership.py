"""Who has lost a partition or a race writes over nobody and publishes nothing of it."""

from threading import Event

import pytest

from engine.errors import LostOwnership
from schemas.topics import DEAD_LETTERS, SEGMENTS, TURNS
from tests.laws.world import GROUP, World


def quiet_log():
    world = World()
    world.converse(dialogues=4, segments=3)
    assert world.worker().work()
    return world.log()


def test_a_worker_cut_off_in_the_middle_of_a_wave_loses_the_race_and_stops() -> None:
    world = World()
    world.converse(dialogues=4, segments=3)
    taken_over: list[int] = []

    def infer(wave) -> None:
        """While the first worker's wave is with the models, its session times out and another does the work."""
        if not taken_over:
            world.broker.expire(GROUP, "w0")
            successor = world.worker()
            assert successor.work()
            taken_over.append(len(world.broker.records(TURNS)))

    cut_off = world.worker(on_infer=infer)
    with pytest.raises(LostOwnership, match="another worker has written 4"):
        cut_off.turn()
    assert taken_over == [len(world.broker.records(TURNS))]
    assert cut_off.transport.unflushed == []
    assert world.log() == quiet_log()
    assert world.counts["lost_races"] == 4


def test_a_worker_cut_off_before_its_successor_begins_is_answered_by_a_replay() -> None:
    """It wins the race it should not have run: the successor finds its write and publishes it again."""
    world = World()
    world.converse(dialogues=4, segments=3)
    cut_off = world.worker(on_infer=lambda wave: world.broker.expire(GROUP, "w0"), wave_most=4)
    with pytest.raises(LostOwnership, match="does not own"):
        cut_off.loop.run(Event())
    assert world.worker().work()
    assert world.log() == quiet_log()
    assert world.counts["replay"] == 4


@pytest.mark.parametrize("heartbeat_s", [0.002, 60.0])
def test_a_partition_handed_over_while_its_wave_is_in_work(heartbeat_s: float) -> None:
    """With heartbeats in the step the wave goes on without the segments given up; without, they are done first."""
    world = World()
    world.converse(dialogues=4, segments=3)
    others = []

    def infer(wave) -> None:
        if not others:
            others.append(world.worker())
            polls = world.counts["heartbeats"]
            waited = Event()
            while heartbeat_s < 1 and world.counts["heartbeats"] < polls + 3:
                waited.wait(0.001)

    first = world.worker(on_infer=infer, heartbeat_s=heartbeat_s)
    for _ in range(100):
        if not world.done():
            first.turn()
            for other in others:
                other.turn()
    assert world.done()
    assert len({first.loop.owned, others[0].loop.owned}) == 2
    assert world.log() == quiet_log()
    assert world.log(DEAD_LETTERS) == {}
    assert world.counts["lost_races"] == 0
    # What was given up was not written, what was written was committed: nobody came upon the other's work.
    assert world.counts["replay"] == 0
    # Nor was what was given up counted: every segment is in the figures once, and so are its two turns.
    assert world.counts["turns"] == 2 * world.counts["segments"] == 24


def test_a_drain_commits_what_is_done_and_leaves() -> None:
    world = World(commit_every_s=1e9)
    world.converse(dialogues=2, segments=3)
    worker = world.worker()
    worker.turn()
    worker.turn()
    assert world.broker.committed(GROUP) == {}
    worker.loop.drain()
    assert sum(world.broker.committed(GROUP).values()) == 4
    assert len(worker.loop._backlog) == 0
    successor = world.worker()
    successor.turn()
    assert world.counts["replay"] == 0
    assert successor.loop.owned == frozenset(world.broker.partitions_of(SEGMENTS))


def test_offsets_are_committed_once_and_only_grow() -> None:
    world = World()
    world.converse(dialogues=4, segments=3)
    worker = world.worker()
    commits = []
    keep = worker.transport.commit
    worker.transport.commit = lambda offsets: (commits.append(dict(offsets)), keep(offsets))
    assert worker.work()
    for _ in range(3):
        worker.turn()
    for partition in world.broker.partitions_of(SEGMENTS):
        offsets = [commit[partition] for commit in commits if partition in commit]
        assert offsets == sorted(set(offsets))
