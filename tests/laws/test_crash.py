"""A crash before or after any effect loses nothing, forges nothing, and leaves the log of a quiet run."""

from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import PublishFailed
from engine.state.codec import decode_record
from engine.transport.base import Outgoing
from schemas.topics import DEAD_LETTERS, SEGMENTS, STATES, TURNS
from tests.faults.transport import RefusingTransport
from tests.laws.world import GROUP, Points, World


def conversation(**settings) -> World:
    world = World(**settings)
    world.converse(dialogues=4, segments=4)
    return world


@pytest.mark.parametrize("commit_every_s", [0.0, 0.35])
@pytest.mark.parametrize("on_their_way", [0, 2])
def test_a_crash_at_every_point_leaves_the_quiet_log(commit_every_s: float, on_their_way: int) -> None:
    size = {"wave_most": 3, "backlog_most": 6}
    quiet = conversation(commit_every_s=commit_every_s)
    counted = Points()
    assert quiet.worker(points=counted, **size).work()
    assert quiet.texts() == quiet.expected(dialogues=4, segments=4)
    assert {name for name in counted.names} >= {
        f"{when} {effect}"
        for when in ("before", "after")
        for effect in ("poll", "load", "infer", "commit", "publish", "flush")
    }

    for fatal in range(counted.passed):
        world = conversation(commit_every_s=commit_every_s)
        died = not world.worker(points=Points(fatal), on_their_way=on_their_way, **size).work()
        assert died
        assert world.worker(**size).work()
        assert world.log() == quiet.log(), f"after a crash {counted.names[fatal]} ({fatal})"
        snapshots = {name: decode_record(value) for name, value in world.snapshots()}
        assert snapshots == world.store.load(list(snapshots)).records
        assert world.log(DEAD_LETTERS) == {}


def unruly() -> World:
    """Duplicates, a sequence that goes back, a redrive, a record without a dialogue, among healthy segments."""
    world = conversation(commit_every_s=0.35)
    world.produce("d0", 3)
    world.produce("d1", 1)
    world.produce("d0", 1, value="back", id="back")
    world.broker.append(Outgoing(topic=SEGMENTS, key="d1", value=b"?", headers=()))
    world.produce("d1", 2, value="again", redriveof="dead")
    world.converse(dialogues=2, segments=6)
    return world


def test_a_crash_at_every_point_among_unruly_records() -> None:
    size = {"wave_most": 2, "backlog_most": 8}
    quiet, counted = unruly(), Points()
    assert quiet.worker(points=counted, **size).work()
    dead = quiet.log(DEAD_LETTERS)
    assert {name: len(log) for name, log in dead.items()} == {"d0": 1, "d1": 1}
    assert quiet.texts()["d1"] == ["d1.0", "d1.1", "d1.2", "d1.3", "again", "d1.4", "d1.5"]

    for fatal in range(counted.passed):
        world = unruly()
        assert not world.worker(points=Points(fatal), on_their_way=1, **size).work()
        assert world.worker(**size).work()
        assert world.log() == quiet.log(), counted.names[fatal]
        assert world.log(DEAD_LETTERS) == dead


def test_a_refused_record_stops_the_worker_without_a_commit() -> None:
    quiet = conversation()
    assert quiet.worker().work()
    published = len(quiet.broker.records(TURNS)) + len(quiet.broker.records(STATES))

    for number in range(published):
        world = conversation()
        transport = RefusingTransport(
            broker=world.broker,
            group=GROUP,
            topics=[SEGMENTS],
            member="refused",
            refuse=lambda n, record, number=number: n == number,
        )
        with pytest.raises(PublishFailed):
            world.worker(transport=transport).loop.run(Event())
        assert not world.done()
        assert world.worker().work()
        # A broker that takes the second event of a segment and not the first may show them so; segments keep order.
        assert world.texts() == quiet.texts()
        assert {name: sorted(log) for name, log in world.log().items()} == {
            name: sorted(log) for name, log in quiet.log().items()
        }


Moment = st.tuples(st.sampled_from(["turn", "die", "drain"]), st.integers(0, 1), st.integers(0, 12), st.integers(0, 3))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(moments=st.lists(Moment, max_size=40), commit_every_s=st.sampled_from([0.0, 0.35]))
def test_two_workers_that_die_and_hand_over_again_and_again(moments, commit_every_s: float) -> None:
    """Each moment one of two workers turns, dies so many effects later, or drains and is followed by another."""
    quiet = conversation()
    assert quiet.worker().work()
    world = conversation(commit_every_s=commit_every_s)
    size = {"wave_most": 3, "backlog_most": 5}
    workers = [world.worker(**size), world.worker(**size)]
    for what, which, after, on_their_way in moments:
        worker = workers[which]
        if what == "die":
            worker.points.fatal = worker.points.passed + after
        elif what == "drain":
            worker.points.fatal = None
            worker.loop.drain()
            workers[which] = world.worker(on_their_way=on_their_way, **size)
        if not workers[which].turn():
            workers[which] = world.worker(on_their_way=on_their_way, **size)
    for worker in workers:
        worker.points.fatal = None
    for _ in range(400):
        if not world.done():
            for worker in workers:
                worker.turn()
    assert world.done()
    assert world.log() == quiet.log()
    assert world.log(DEAD_LETTERS) == {}
