from engine.transport.base import Outgoing
from engine.transport.memory import MemoryBroker, MemoryReader

PARTITION = ("talk", 0)


def filled(count):
    broker = MemoryBroker(partitions=1)
    for number in range(count):
        broker.append(Outgoing("talk", "key", str(number).encode()))
    return broker


def values(records):
    return [record.value for record in records]


def test_what_is_forgotten_is_gone_and_offsets_stay():
    broker = filled(5)
    broker.forget(PARTITION, 3)
    assert values(broker.records("talk")) == [b"3", b"4"]
    assert [record.position.offset for record in broker.read(PARTITION, 0, 10)] == [3, 4]
    assert values(broker.read(PARTITION, 4, 10)) == [b"4"]
    assert broker.end(PARTITION) == 5
    assert broker.append(Outgoing("talk", "key", b"5")).offset == 5


def test_forgetting_less_than_before_does_nothing():
    broker = filled(5)
    broker.forget(PARTITION, 3)
    broker.forget(PARTITION, 1)
    assert values(broker.records("talk")) == [b"3", b"4"]


def test_a_reader_goes_on_where_it_is():
    broker = filled(3)
    reader = MemoryReader(broker=broker, topics=["talk"], from_beginning=True)
    assert values(reader.read(timeout_s=0.0)) == [b"0", b"1", b"2"]
    assert reader.position(PARTITION) == 3
    broker.forget(PARTITION, reader.position(PARTITION))
    broker.append(Outgoing("talk", "key", b"3"))
    assert values(reader.read(timeout_s=0.0)) == [b"3"]
