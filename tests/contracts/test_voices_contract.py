"""What every store of enrolled voices does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fakeredis
import pytest
import redis

from engine.clock import ManualClock
from engine.state.voices import VoiceStore
from engine.state.voices_file import FileVoices
from engine.state.voices_memory import MemoryVoices
from engine.state.voices_redis import RedisVoices
from schemas.voice import EnrolledVoice

Connect = Callable[[ManualClock], VoiceStore]
NAMES = ["ann", "Änne Ö.", "a/../b", "x" * 128, "turntone:voices"]


def memory(_: pytest.FixtureRequest) -> Connect:
    stores: list[VoiceStore] = []

    def connect(clock: ManualClock) -> VoiceStore:
        stores.append(MemoryVoices(clock=clock))
        return stores[0]

    return connect


def folder(request: pytest.FixtureRequest) -> Connect:
    path: Path = request.getfixturevalue("tmp_path") / "voices"
    return lambda clock: FileVoices(folder=path, clock=clock)


def fake(_: pytest.FixtureRequest) -> Connect:
    server = fakeredis.FakeServer()
    return lambda clock: RedisVoices(client=fakeredis.FakeRedis(server=server), clock=clock)


def real(request: pytest.FixtureRequest) -> Connect:
    url: str = request.getfixturevalue("valkey_url")
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return lambda clock: RedisVoices.connect(url, clock=clock)


@pytest.fixture(params=[memory, folder, fake, pytest.param(real, marks=pytest.mark.stack)])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Another client of the same store at every call."""
    open_store: Connect = request.param(request)
    opened: list[VoiceStore] = []

    def connect(clock: ManualClock) -> VoiceStore:
        opened.append(open_store(clock))
        return opened[-1]

    yield connect
    for store in opened:
        store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(connect: Connect, clock: ManualClock) -> VoiceStore:
    return connect(clock)


def voice(clock: ManualClock, name: str = "ann", *, days: float = 10.0, **changes: object) -> EnrolledVoice:
    now = datetime.fromtimestamp(clock.wall_s(), tz=UTC)
    plain = EnrolledVoice(
        name=name,
        centroid=bytes(range(256)),
        seconds=12.5,
        embedding="m1",
        role="customer",
        consent_at=now,
        expires_at=now + timedelta(days=days),
    )
    return plain.model_copy(update=changes)


class TestVoiceStoreContract:
    def test_nobody_is_enrolled_at_first(self, store: VoiceStore):
        assert store.voices() == ()
        assert store.delete("ann") is False

    def test_voices_come_back_as_they_were_kept_by_name(self, connect: Connect, store: VoiceStore, clock: ManualClock):
        for name in NAMES:
            store.keep(voice(clock, name))
        assert connect(clock).voices() == tuple(voice(clock, name) for name in sorted(NAMES))

    def test_a_voice_that_is_enrolled_again_is_replaced(self, store: VoiceStore, clock: ManualClock):
        store.keep(voice(clock, role="agent"))
        store.keep(voice(clock, role=None, seconds=3.0))
        assert store.voices() == (voice(clock, role=None, seconds=3.0),)

    def test_delete_erases_one_and_says_so(self, connect: Connect, store: VoiceStore, clock: ManualClock):
        store.keep(voice(clock, "ann"))
        store.keep(voice(clock, "bea"))
        assert connect(clock).delete("ann") is True
        assert store.delete("ann") is False
        assert [kept.name for kept in store.voices()] == ["bea"]

    def test_what_has_expired_is_gone(self, store: VoiceStore, clock: ManualClock):
        store.keep(voice(clock, "ann", days=1.0))
        store.keep(voice(clock, "bea", days=2.0))
        clock.advance(86_399.0)
        assert [kept.name for kept in store.voices()] == ["ann", "bea"]
        clock.advance(1.0)
        assert [kept.name for kept in store.voices()] == ["bea"]
        clock.advance(86_400.0)
        assert store.voices() == ()
