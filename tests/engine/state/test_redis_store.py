"""What only the store in Redis does: its keys, its round trips, its errors."""

import fakeredis
import pytest

from engine.errors import SnapshotMismatch, StoreUnavailable
from engine.state.redis import RedisStore
from schemas.record import DialogueRecord
from tests.contracts.dialogues import full_record, position, record

TTL_S = 3600.0


class CountedPipelines(fakeredis.FakeRedis):
    """Counts the pipelines, each of which is one round trip."""

    pipelines = 0

    def pipeline(self, transaction=True, shard_hint=None):
        self.pipelines += 1
        return super().pipeline(transaction, shard_hint)


@pytest.fixture
def client() -> CountedPipelines:
    return CountedPipelines()


@pytest.fixture
def store(client: CountedPipelines) -> RedisStore:
    return RedisStore(client=client)


def wave(version: int) -> list[DialogueRecord]:
    return [record(f"d{number}", version=version) for number in range(64)]


def test_a_wave_is_one_round_trip(client: CountedPipelines, store: RedisStore):
    store.commit(wave(1), ttl_s=TTL_S)
    assert client.pipelines == 1
    assert len(store.load([f"d{number}" for number in range(64)], attempts_of=[position(3)]).records) == 64
    assert client.pipelines == 2


def test_fields_can_be_read_by_name(client: CountedPipelines, store: RedisStore):
    store.restore([full_record()], ttl_s=TTL_S)
    held = client.hgetall("turntone:{d1}")
    assert held[b"version"] == b"7"
    assert held[b"status"] == b'"ended"'
    assert held[b"sequences"] == b'{"/mic":12,"/camera":3}'
    assert held[b"state"] == bytes(range(256))


def test_records_and_attempts_expire(client: CountedPipelines, store: RedisStore):
    store.commit([record()], ttl_s=1.5)
    store.count_attempt(position(4), ttl_s=2.5)
    assert 0 < client.pttl("turntone:{d1}") <= 1500
    assert 1500 < client.pttl("turntone:attempt:t1/0/4") <= 2500


def test_a_dialogue_that_expired_leaves_the_index_when_it_is_asked_for(client: CountedPipelines, store: RedisStore):
    store.commit([record("gone"), record("here")], ttl_s=TTL_S)
    client.delete("turntone:{gone}")
    assert [found.dialogue_id for found in store.open_dialogues(updated_before_s=1e9, most=10)] == ["here"]
    assert client.zrange("turntone:open", 0, -1) == [b"here"]


def test_a_refused_writer_does_not_hide_an_open_dialogue(store: RedisStore):
    store.commit([record(version=1)], ttl_s=TTL_S)
    assert store.commit([record(version=1, status="ended", updated_s=5.0)], ttl_s=TTL_S) == {"d1"}
    assert [found.dialogue_id for found in store.open_dialogues(updated_before_s=1e9, most=10)] == ["d1"]


def test_a_damaged_record_is_refused(client: CountedPipelines, store: RedisStore):
    store.commit([record()], ttl_s=TTL_S)
    client.hset("turntone:{d1}", "state", b"other")
    with pytest.raises(SnapshotMismatch, match="digest"):
        store.load(["d1"])


def test_a_server_that_is_away_is_unavailable():
    store = RedisStore.connect("redis://127.0.0.1:1/0", timeout_s=0.5)
    with pytest.raises(StoreUnavailable):
        store.load(["d1"])
    with pytest.raises(StoreUnavailable):
        store.open_dialogues(updated_before_s=1.0, most=1)
    store.close()


def test_a_server_that_refuses_is_unavailable(client: CountedPipelines, store: RedisStore):
    client.set("turntone:{d1}", "no hash")
    with pytest.raises(StoreUnavailable):
        store.commit([record()], ttl_s=TTL_S)
