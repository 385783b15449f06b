"""What every store of dialogue records does."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import fakeredis
import pytest
import redis

from engine.state.base import OpenDialogue, Store
from engine.state.memory import MemoryStore
from engine.state.redis import RedisStore
from tests.contracts.dialogues import full_record, position, record

TTL_S = 3600.0


def memory() -> Callable[[], Store]:
    store = MemoryStore()
    return lambda: store


def fake() -> Callable[[], Store]:
    server = fakeredis.FakeServer()
    return lambda: RedisStore(client=fakeredis.FakeRedis(server=server))


def real(url: str) -> Callable[[], Store]:
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return lambda: RedisStore.connect(url)


@pytest.fixture(params=["memory", "fake", pytest.param("valkey", marks=pytest.mark.stack)])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """Another client of the same store at every call."""
    if request.param == "memory":
        open_store = memory()
    elif request.param == "fake":
        open_store = fake()
    else:
        open_store = real(request.getfixturevalue("valkey_url"))
    opened: list[Store] = []

    def connect() -> Store:
        opened.append(open_store())
        return opened[-1]

    yield connect
    for store in opened:
        store.close()


@pytest.fixture
def store(connect: Callable[[], Store]) -> Store:
    return connect()


class TestStoreContract:
    def test_a_record_comes_back_as_it_was_written(self, store: Store):
        written = full_record().model_copy(update={"version": 1})
        assert store.commit([written], ttl_s=TTL_S) == frozenset()
        assert store.load(["d1", "unknown"]).records == {"d1": written}

    def test_a_write_needs_the_version_before_its_own(self, store: Store):
        store.commit([record(version=1)], ttl_s=TTL_S)
        assert store.commit([record(version=2)], ttl_s=TTL_S) == frozenset()
        assert store.commit([record(version=2, turns=9)], ttl_s=TTL_S) == {"d1"}
        assert store.commit([record(version=4)], ttl_s=TTL_S) == {"d1"}
        assert store.load(["d1"]).records["d1"] == record(version=2)

    def test_a_first_write_finds_nothing_there(self, store: Store):
        assert store.commit([record(version=3)], ttl_s=TTL_S) == {"d1"}
        assert store.load(["d1"]).records == {}

    def test_one_refusal_does_not_hold_up_the_rest_of_the_wave(self, store: Store):
        store.commit([record("b", version=1)], ttl_s=TTL_S)
        wave = [record("a"), record("b", turns=1), record("c")]
        assert store.commit(wave, ttl_s=TTL_S) == {"b"}
        assert set(store.load(["a", "b", "c"]).records) == {"a", "b", "c"}

    def test_a_call_whose_answer_was_lost_can_be_made_again(self, store: Store):
        store.commit([full_record().model_copy(update={"version": 1})], ttl_s=TTL_S)
        assert store.commit([full_record().model_copy(update={"version": 1})], ttl_s=TTL_S) == frozenset()

    def test_of_two_writers_one_wins(self, connect: Callable[[], Store]):
        writers = [connect() for _ in range(4)]

        def write(turns: int) -> bool:
            return writers[turns].commit([record(version=1, turns=turns)], ttl_s=TTL_S) == frozenset()

        with ThreadPoolExecutor(len(writers)) as threads:
            won = list(threads.map(write, range(len(writers))))
        assert won.count(True) == 1
        assert connect().load(["d1"]).records["d1"].turns == won.index(True)

    def test_nothing_to_do_is_no_error(self, store: Store):
        assert store.commit([], ttl_s=TTL_S) == frozenset()
        store.restore([], ttl_s=TTL_S)
        store.clear_attempts([])
        assert store.drop([]) == {}
        assert store.load([]).records == {}

    def test_restore_replaces_what_is_older_and_keeps_what_is_newer(self, store: Store):
        store.restore([record("old", version=5), record("new", version=5), record("lost", version=5)], ttl_s=TTL_S)
        store.restore([record("old", version=6), record("new", version=4)], ttl_s=TTL_S)
        versions = {name: found.version for name, found in store.load(["old", "new", "lost"]).records.items()}
        assert versions == {"old": 6, "new": 5, "lost": 5}

    def test_versions_are_numbers_and_not_words(self, store: Store):
        store.restore([record(version=9)], ttl_s=TTL_S)
        store.restore([record(version=10)], ttl_s=TTL_S)
        assert store.load(["d1"]).records["d1"].version == 10
        assert store.commit([record(version=11)], ttl_s=TTL_S) == frozenset()

    def test_drop_erases_and_says_what_was_there(self, store: Store):
        store.commit([record()], ttl_s=TTL_S)
        assert store.drop(["d1", "unknown"]) == {"d1": True, "unknown": False}
        assert store.load(["d1"]).records == {}
        assert store.open_dialogues(updated_before_s=1e9, most=10) == ()
        assert store.commit([record(version=1)], ttl_s=TTL_S) == frozenset()

    def test_open_dialogues_come_longest_silent_first(self, store: Store):
        times_s = {"b": 2.0, "a": 1.0, "c": 3.0, "d": 4.0}
        store.commit([record(name, updated_s=time_s) for name, time_s in times_s.items()], ttl_s=TTL_S)
        store.commit([record("c", version=2, status="ended", updated_s=3.5)], ttl_s=TTL_S)
        assert store.open_dialogues(updated_before_s=4.0, most=10) == (
            OpenDialogue(dialogue_id="a", updated_s=1.0, version=1),
            OpenDialogue(dialogue_id="b", updated_s=2.0, version=1),
        )
        assert [found.dialogue_id for found in store.open_dialogues(updated_before_s=9.0, most=2)] == ["a", "b"]

    def test_ended_dialogues_do_not_crowd_out_open_ones(self, store: Store):
        store.commit([record(f"e{number}", status="ended", updated_s=1.0) for number in range(5)], ttl_s=TTL_S)
        reopened = [record(f"r{number}", updated_s=2.0) for number in range(3)]
        store.commit(reopened, ttl_s=TTL_S)
        store.commit([record(f"r{number}", version=2, status="ended", updated_s=2.0) for number in (0, 1)], ttl_s=TTL_S)
        assert [found.dialogue_id for found in store.open_dialogues(updated_before_s=9.0, most=1)] == ["r2"]

    def test_a_reopened_dialogue_is_open_again(self, store: Store):
        store.commit([record(version=1, status="ended", updated_s=1.0)], ttl_s=TTL_S)
        assert store.open_dialogues(updated_before_s=9.0, most=10) == ()
        store.commit([record(version=2, updated_s=2.0)], ttl_s=TTL_S)
        assert [found.version for found in store.open_dialogues(updated_before_s=9.0, most=10)] == [2]

    def test_attempts_count_by_position_until_they_are_cleared(self, store: Store):
        here, there = position(5), position(5, partition=1)
        assert [store.count_attempt(here, ttl_s=TTL_S) for _ in range(3)] == [1, 2, 3]
        assert store.count_attempt(there, ttl_s=TTL_S) == 1
        assert store.load([], attempts_of=[here, there, position(6)]).attempts == {here: 3, there: 1, position(6): 0}
        store.clear_attempts([here])
        assert store.load([], attempts_of=[here, there]).attempts == {here: 0, there: 1}

    def test_the_first_epoch_stays(self, connect: Callable[[], Store]):
        assert connect().load([]).epoch is None
        first = connect().begin_epoch()
        assert connect().begin_epoch() == first
        assert connect().load([]).epoch == first
