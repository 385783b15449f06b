"""What every reader without a group does, and every publisher."""

import pytest

from engine.errors import BadSegment
from engine.transport.base import Incoming, Outgoing, Partition, read_all
from schemas.topics import MAX_SEGMENT_BYTES, SEGMENTS
from tests.contracts.logs import KafkaLog, MemoryLog

Log = MemoryLog | KafkaLog


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.stack)])
def log(request: pytest.FixtureRequest) -> Log:
    return MemoryLog() if request.param == "memory" else KafkaLog(request.getfixturevalue("kafka_bootstrap"))


def write(log: Log, values: list[bytes]) -> None:
    publisher = log.publisher()
    publisher.publish([Outgoing(log.topic, f"d{number}", value) for number, value in enumerate(values)])
    publisher.flush()
    publisher.close()


def place(record: Incoming) -> Partition:
    return record.position.topic, record.position.partition


class TestReaderContract:
    def test_everything_that_was_there_is_read_to_its_end(self, log: Log):
        written = [bytes([number]) for number in range(40)]
        write(log, written)
        reader = log.reader(from_beginning=True)
        assert not reader.at_end()
        assert sorted(record.value or b"" for record in read_all(reader)) == written
        assert reader.at_end()
        assert reader.read(timeout_s=0.0) == ()
        reader.close()

    def test_an_empty_topic_is_at_its_end(self, log: Log):
        reader = log.reader(from_beginning=True)
        assert list(read_all(reader)) == []
        reader.close()

    def test_from_now_on_only_what_is_new_comes(self, log: Log):
        write(log, [b"old"])
        reader = log.reader(from_beginning=False)
        assert reader.at_end()
        write(log, [b"new"])
        found = reader.read(timeout_s=30.0)
        assert [record.value for record in found] == [b"new"]
        assert found[0].position.topic_id not in ("", log.topic)
        reader.close()

    def test_a_tail_is_the_newest_of_each_partition(self, log: Log):
        written = [bytes([number]) for number in range(40)]
        write(log, written)
        reader, whole = log.reader(from_beginning=True, tail=2), log.reader(from_beginning=True)
        found = list(read_all(reader))
        newest = [
            record for record in read_all(whole) if record.position.offset >= whole.positions()[place(record)] - 2
        ]
        assert 0 < len(found) < 40
        assert sorted(record.value for record in found) == sorted(record.value for record in newest)
        reader.close()
        whole.close()

    def test_a_reader_goes_on_where_another_left_off(self, log: Log):
        write(log, [bytes([number]) for number in range(20)])
        first = log.reader(from_beginning=True)
        before = list(read_all(first))
        left = first.positions()
        first.close()
        write(log, [b"later"])
        second = log.reader(from_beginning=True, offsets=left)
        assert [record.value for record in read_all(second)] == [b"later"]
        second.close()
        assert len(before) == 20

    def test_offsets_that_are_not_there_mean_the_beginning(self, log: Log):
        write(log, [b"one"])
        there = log.reader(from_beginning=False)
        beyond = {partition: offset + 1000 for partition, offset in there.positions().items()}
        there.close()
        reader = log.reader(from_beginning=False, offsets=beyond)
        assert [record.value for record in read_all(reader)] == [b"one"]
        reader.close()


class TestPublisherContract:
    def test_a_flush_says_where_the_records_stand(self, log: Log):
        publisher = log.publisher()
        publisher.publish([Outgoing(log.topic, "d1", b"a"), Outgoing(log.topic, "d2", b"b")])
        stands = publisher.flush()
        assert publisher.flush() == []
        publisher.close()
        reader = log.reader(from_beginning=True)
        found = {(*place(record), record.position.offset): record.value for record in read_all(reader)}
        reader.close()
        assert [found[position.topic, position.partition, position.offset] for position in stands] == [b"a", b"b"]

    def test_media_too_large_for_a_record_is_refused_with_a_way_out(self, log: Log):
        publisher = log.publisher()
        with pytest.raises(BadSegment, match="dataref"):
            publisher.publish([Outgoing(SEGMENTS, "d1", bytes(MAX_SEGMENT_BYTES + 1))])
        publisher.flush()
        publisher.close()
