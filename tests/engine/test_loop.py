"""The loop: retries, heartbeats, unreadable records, backpressure, draining."""

from collections.abc import Callable
from threading import Event, Thread

import pytest

from engine.errors import (
    ConfigurationError,
    InferenceUnavailable,
    StoreUnavailable,
    TransportUnavailable,
    TurntoneError,
)
from engine.transport.base import Outgoing
from schemas.topics import DEAD_LETTERS, SEGMENTS
from tests.faults.transport import ForgetfulTransport
from tests.laws.world import GROUP, World


def conversation() -> World:
    world = World()
    world.converse(dialogues=3, segments=3)
    return world


class Flaky:
    """A part of which one effect fails every second time."""

    def __init__(self, inner: object, effect: str, error: TurntoneError) -> None:
        self._inner = inner
        self._effect = effect
        self._error = error
        self.failures = 0
        self._calls = 0

    def __getattr__(self, name: str):
        found = getattr(self._inner, name)
        return self._flaky(found) if name == self._effect else found

    def _flaky(self, found: Callable):
        def call(*args, **kwargs):
            self._calls += 1
            if self._calls % 2:
                self.failures += 1
                raise self._error
            return found(*args, **kwargs)

        return call


@pytest.mark.parametrize("effect", ["poll", "publish", "flush", "commit"])
def test_a_broker_that_is_away_now_and_then_costs_nothing(effect: str) -> None:
    world = conversation()
    inner = ForgetfulTransport(broker=world.broker, group=GROUP, topics=[SEGMENTS], member="flaky")
    transport = Flaky(inner, effect, TransportUnavailable("away"))
    assert world.worker(transport=transport).work()
    assert transport.failures > 1
    assert world.texts() == world.expected(dialogues=3, segments=3)
    assert world.log(DEAD_LETTERS) == {}


@pytest.mark.parametrize("effect", ["load", "commit", "count_attempt"])
def test_a_store_that_is_away_now_and_then_costs_nothing(effect: str) -> None:
    world = conversation()
    store = Flaky(world.store, effect, StoreUnavailable("away"))
    assert world.worker(store=store).work()
    assert store.failures > 0
    assert world.texts() == world.expected(dialogues=3, segments=3)
    assert world.counts["retries"] == store.failures


def test_waits_grow_to_a_limit_and_the_group_hears_of_the_member_all_the_while() -> None:
    world = conversation()
    waits: list[float] = []
    failures = iter(range(12))

    def infer(wave) -> None:
        if next(failures, None) is not None:
            raise InferenceUnavailable("starting")

    worker = world.worker(on_infer=infer, heartbeat_s=1.0)
    worker.loop._wait = waits.append
    assert worker.work()
    assert waits[:6] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    assert max(waits) == 1.0
    assert sum(waits) < 12 * 5.0
    assert world.counts["heartbeats"] >= len(waits)
    assert world.texts() == world.expected(dialogues=3, segments=3)


def test_told_to_stop_while_a_server_is_away_it_leaves_the_wave_to_its_successor() -> None:
    world = conversation()
    stop = Event()

    def infer(wave) -> None:
        stop.set()
        raise InferenceUnavailable("gone for good")

    world.worker(on_infer=infer).loop.run(stop)
    assert world.texts() == {}
    assert world.worker().work()
    assert world.texts() == world.expected(dialogues=3, segments=3)


def test_a_record_without_a_dialogue_goes_to_the_dead_letters_and_stops_nobody() -> None:
    world = conversation()
    world.broker.append(Outgoing(topic=SEGMENTS, key="d0", value=b"?", headers=()))
    world.produce("d0", 3)
    assert world.worker().work()
    expected = world.expected(dialogues=3, segments=3)
    assert world.texts() == {**expected, "d0": [*expected["d0"], "d0.3"]}
    (dead,) = world.broker.records(DEAD_LETTERS)
    assert b"ce_specversion" in (dead.value or b"")


def test_what_no_segment_is_to_blame_for_stops_the_worker_loudly() -> None:
    world = conversation()

    def infer(wave) -> None:
        raise ConfigurationError("no such checkpoint")

    with pytest.raises(ConfigurationError):
        world.worker(on_infer=infer).loop.run(Event())
    assert not world.broker.committed(GROUP)
    assert world.broker.records(DEAD_LETTERS) == ()
    assert world.worker().work()


def test_the_backlog_stays_within_its_bounds() -> None:
    world = World(partitions=1)
    world.converse(dialogues=1, segments=30)
    seen: list[int] = []
    worker = world.worker(backlog_most=4, on_infer=lambda wave: seen.append(len(worker.loop._backlog)))
    assert worker.work()
    assert max(seen) <= 4
    assert world.texts() == world.expected(dialogues=1, segments=30)


def test_run_serves_until_it_is_told_to_stop_and_leaves_nothing_undone() -> None:
    world = conversation()
    stop = Event()
    served = Thread(target=world.worker().loop.run, args=[stop])
    served.start()
    with world.broker.changed:
        assert world.broker.changed.wait_for(world.done, timeout=30)
    stop.set()
    served.join(timeout=30)
    assert not served.is_alive()
    assert world.texts() == world.expected(dialogues=3, segments=3)
