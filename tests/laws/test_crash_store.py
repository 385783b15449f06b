"""A store that lost everything is rebuilt from the snapshots, and the log is that of a quiet run."""

import logging

import pytest

from engine.errors import StoreUnavailable
from engine.rebuild import rebuild
from engine.state.codec import encode_record
from engine.state.memory import MemoryStore
from schemas.record import DialogueRecord, Position
from tests.laws.world import Points, World


def conversation() -> World:
    world = World(commit_every_s=0.35)
    world.converse(dialogues=4, segments=3)
    return world


@pytest.fixture
def quiet() -> World:
    world = conversation()
    assert world.worker(wave_most=2).work()
    return world


def test_wiped_between_two_workers(quiet: World) -> None:
    for turns in range(1, 6):
        world = conversation()
        first = world.worker(wave_most=2)
        for _ in range(turns):
            first.turn()
        first.points.fatal = first.points.passed
        assert not first.turn()
        world.store = MemoryStore(clock=world.clock)
        assert world.worker(wave_most=2).work()
        assert world.log() == quiet.log()
        assert world.counts["rebuilds"] == 2


def test_wiped_under_a_worker(quiet: World) -> None:
    world = conversation()
    worker = world.worker(wave_most=2)
    worker.turn()
    world.store._records.clear()
    world.store._epoch = None
    assert worker.work()
    assert world.log() == quiet.log()


def test_an_answer_that_was_lost_on_the_way_back(quiet: World) -> None:
    """The store has written, and the writer does not know: the wave is taken again, as a replay."""

    class Deaf(MemoryStore):
        deaf = True

        def commit(self, records, *, ttl_s):
            refused = super().commit(records, ttl_s=ttl_s)
            self.deaf = not self.deaf
            if not self.deaf:
                raise StoreUnavailable("no answer")
            return refused

    world = conversation()
    world.store = Deaf(clock=world.clock)
    assert world.worker(wave_most=2).work()
    assert world.log() == quiet.log()
    assert world.counts["replay"] > 0


def record(dialogue_id: str, *, offset: int, version: int) -> DialogueRecord:
    position = Position(topic="turntone.segments", partition=0, offset=offset)
    return DialogueRecord(dialogue_id=dialogue_id, version=version, incarnation="0", position=position, model_id="m")


def restored(*snapshots: tuple[str, bytes | None], into: MemoryStore | None = None) -> dict[str, int]:
    store = into or MemoryStore()
    rebuild(store=store, snapshots=lambda: snapshots, ttl_s=60.0)
    loaded = store.load(["a", "b"])
    assert loaded.epoch is not None
    return {name: found.version for name, found in loaded.records.items()}


def test_the_newest_snapshot_wins_and_a_late_one_of_a_former_owner_does_not() -> None:
    early, late = (encode_record(record("a", offset=version, version=version)) for version in (3, 4))
    assert restored(("a", early), ("a", late)) == {"a": 4}
    assert restored(("a", late), ("a", early)) == {"a": 4}


def test_a_dialogue_begun_anew_wins_over_its_former_life() -> None:
    former = encode_record(record("a", offset=7, version=30))
    anew = encode_record(record("a", offset=9, version=1))
    assert restored(("a", former), ("a", anew)) == {"a": 1}


def test_a_tombstone_forgets() -> None:
    assert restored(("a", encode_record(record("a", offset=1, version=1))), ("a", None)) == {}


def test_the_store_keeps_what_is_newer_than_its_snapshot() -> None:
    store = MemoryStore()
    store.restore([record("a", offset=5, version=5), record("b", offset=1, version=1)], ttl_s=60.0)
    snapshots = [(name, encode_record(record(name, offset=3, version=3))) for name in ("a", "b")]
    assert restored(*snapshots, into=store) == {"a": 5, "b": 3}


def test_a_damaged_snapshot_costs_its_own_dialogue(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert restored(("a", b"damaged"), ("b", encode_record(record("b", offset=1, version=1)))) == {"b": 1}
    assert "dialogue a" in caplog.text


def test_a_crash_at_every_point_of_a_rebuild(quiet: World) -> None:
    def wiped() -> World:
        world = conversation()
        world.worker(wave_most=2).turn()
        world.broker.expire("engine", "w0")
        world.store = MemoryStore(clock=world.clock)
        return world

    counted = Points()
    assert wiped().worker(points=counted, wave_most=2).work()
    for fatal in range(counted.passed):
        world = wiped()
        assert not world.worker(points=Points(fatal), wave_most=2).work()
        assert world.worker(wave_most=2).work()
        assert world.log() == quiet.log(), counted.names[fatal]
