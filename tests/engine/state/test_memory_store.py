from engine.clock import ManualClock
from engine.state.memory import MemoryStore
from tests.contracts.dialogues import position, record


def test_records_and_attempts_expire():
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    store.commit([record()], ttl_s=10.0)
    store.count_attempt(position(4), ttl_s=5.0)
    clock.advance(5.0)
    assert store.load(["d1"], attempts_of=[position(4)]).attempts == {position(4): 0}
    assert "d1" in store.load(["d1"]).records
    clock.advance(5.0)
    assert store.load(["d1"]).records == {}
    assert store.open_dialogues(updated_before_s=1e12, most=1) == ()
    assert store.commit([record(version=1)], ttl_s=10.0) == frozenset()
