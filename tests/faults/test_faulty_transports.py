import pytest

from engine.errors import PublishFailed
from engine.transport.base import Outgoing
from engine.transport.memory import MemoryBroker
from tests.faults.transport import ForgetfulTransport, RefusingTransport


def outgoing(*values: bytes) -> list[Outgoing]:
    return [Outgoing("talk", "d1", value) for value in values]


def held(broker: MemoryBroker) -> list[bytes | None]:
    return [record.value for record in broker.records("talk")]


def test_a_crash_forgets_what_was_not_flushed_but_for_what_was_on_its_way():
    broker = MemoryBroker()
    transport = ForgetfulTransport(broker=broker, group="g", topics=["talk"], member="a", on_their_way=1)
    transport.publish(outgoing(b"1"))
    transport.flush()
    transport.publish(outgoing(b"2", b"3"))
    transport.crash()
    assert held(broker) == [b"1", b"2"]


def test_a_crashed_member_leaves_its_partitions_to_the_next():
    broker = MemoryBroker(partitions=2)
    first = ForgetfulTransport(broker=broker, group="g", topics=["talk"], member="a")
    first.poll(timeout_s=0.0, most=1)
    first.crash()
    second = ForgetfulTransport(broker=broker, group="g", topics=["talk"], member="b")
    assert len(second.poll(timeout_s=0.0, most=1).assigned) == 2


def test_a_refused_record_fails_the_flush_and_the_others_are_written():
    broker = MemoryBroker()
    transport = RefusingTransport(
        broker=broker, group="g", topics=["talk"], member="a", refuse=lambda number, record: number == 1
    )
    transport.publish(outgoing(b"0", b"1", b"2"))
    with pytest.raises(PublishFailed, match="talk"):
        transport.flush()
    assert held(broker) == [b"0", b"2"]
    transport.flush()
