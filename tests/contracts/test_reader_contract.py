"""What every reader without a group does, and every publisher."""

import pytest

from engine.errors import BadSegment
from engine.transport.base import Outgoing, read_all
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


class TestPublisherContract:
    def test_media_too_large_for_a_record_is_refused_with_a_way_out(self, log: Log):
        publisher = log.publisher()
        with pytest.raises(BadSegment, match="dataref"):
            publisher.publish([Outgoing(SEGMENTS, "d1", bytes(MAX_SEGMENT_BYTES + 1))])
        publisher.flush()
        publisher.close()
