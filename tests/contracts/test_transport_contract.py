"""What every member of a consumer group does."""

from collections.abc import Callable, Iterator

import pytest

from engine.errors import LostOwnership, TransportUnavailable
from engine.transport.base import Outgoing
from schemas.topics import MAX_DEAD_LETTER_BYTES, MAX_SEGMENT_BYTES
from tests.contracts.logs import Follower, KafkaLog, MemoryLog, poll_until

Log = MemoryLog | KafkaLog
Join = Callable[[str], Follower]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.stack)])
def log(request: pytest.FixtureRequest) -> Log:
    return MemoryLog() if request.param == "memory" else KafkaLog(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture
def join(log: Log) -> Iterator[Join]:
    joined: list[Follower] = []

    def join(name: str) -> Follower:
        joined.append(Follower(log.member(name)))
        return joined[-1]

    yield join
    for follower in joined:
        follower.transport.close()


def write(log: Log, keys_and_values: list[tuple[str, bytes | None]]) -> None:
    publisher = log.publisher()
    publisher.publish([Outgoing(log.topic, key, value, (("ce_id", b"1"),)) for key, value in keys_and_values])
    publisher.flush()
    publisher.close()


class TestTransportContract:
    def test_records_of_a_key_come_in_order_from_one_partition(self, log: Log, join: Join):
        write(log, [(f"d{number % 8}", bytes([number])) for number in range(64)])
        member = join("a")
        poll_until([member], lambda: len(member.records) == 64)
        for key in {record.key for record in member.records}:
            of_key = [record for record in member.records if record.key == key]
            assert len({record.position.partition for record in of_key}) == 1
            assert [record.position.offset for record in of_key] == sorted(record.position.offset for record in of_key)
            assert [record.value for record in of_key] == sorted(record.value or b"" for record in of_key)

    def test_a_record_comes_with_all_it_was_sent_with(self, log: Log, join: Join):
        write(log, [("d1", b"x"), ("d1", None)])
        member = join("a")
        poll_until([member], lambda: len(member.records) == 2)
        first, second = member.records
        assert (first.key, first.value, second.value) == ("d1", b"x", None)
        assert first.headers == (("ce_id", b"1"),)
        assert first.timestamp_s > 1_700_000_000
        assert first.position.topic == log.topic
        assert first.position.topic_id not in ("", log.topic)

    def test_no_poll_brings_more_than_asked_for(self, log: Log, join: Join):
        write(log, [("d1", bytes([number])) for number in range(10)])
        member = join("a")
        while len(member.records) < 10:
            assert len(member.poll(most=3).records) <= 3
        assert member.values() == [bytes([number]) for number in range(10)]

    def test_a_paused_partition_gives_nothing_and_loses_nothing(self, log: Log, join: Join):
        member = join("a")
        poll_until([member], lambda: len(member.owned) == 4)
        write(log, [("here", b"1")])
        poll_until([member], lambda: len(member.records) == 1)
        paused = frozenset({(log.topic, member.records[0].position.partition)})
        member.transport.pause(paused)
        others = [f"d{number}" for number in range(32)]
        write(log, [("here", b"2"), *((key, b"other") for key in others)])
        poll_until([member], lambda: len({record.position.partition for record in member.records}) == 4)
        assert b"2" not in member.values()
        member.transport.resume(paused)
        poll_until([member], lambda: len(member.records) == 2 + len(others))
        assert b"2" in member.values()

    def test_the_next_owner_begins_at_the_committed_offset(self, log: Log, join: Join):
        write(log, [("d1", bytes([number])) for number in range(4)])
        first = join("a")
        poll_until([first], lambda: len(first.records) == 4)
        partition = (log.topic, first.records[0].position.partition)
        first.transport.commit({partition: 2})
        first.transport.close()
        second = join("b")
        poll_until([second], lambda: len(second.records) == 2)
        assert second.values() == [bytes([2]), bytes([3])]

    def test_two_members_share_and_hand_over(self, log: Log, join: Join):
        first = join("a")
        poll_until([first], lambda: len(first.owned) == 4)
        second = join("b")
        poll_until([first, second], lambda: len(first.owned) == len(second.owned) == 2)
        assert first.revoked == second.owned
        assert first.lost == set()
        write(log, [(f"d{number}", bytes([number])) for number in range(32)])
        poll_until([first, second], lambda: len(first.records) + len(second.records) == 32)
        for member in (first, second):
            assert {(log.topic, record.position.partition) for record in member.records} <= member.owned
        first.commit(first.owned)
        first.transport.close()
        poll_until([second], lambda: len(second.owned) == 4)
        write(log, [(f"d{number}", b"late") for number in range(32)])
        poll_until([second], lambda: second.values().count(b"late") == 32)
        assert len(first.records) + len(second.records) == 64

    def test_what_is_revoked_can_still_be_committed(self, log: Log, join: Join):
        write(log, [(f"d{number}", bytes([number])) for number in range(32)])
        first = join("a")
        poll_until([first], lambda: len(first.records) == 32)
        second = join("b")
        poll_until([first, second], lambda: len(second.owned) == 2)
        assert second.owned == first.revoked
        write(log, [(f"d{number}", b"late") for number in range(32)])
        poll_until([first, second], lambda: (first.values() + second.values()).count(b"late") == 32)
        assert set(second.values()) == {b"late"}

    def test_what_is_not_owned_is_not_committed(self, log: Log, join: Join):
        member = join("a")
        poll_until([member], lambda: len(member.owned) == 4)
        with pytest.raises(LostOwnership):
            member.transport.commit({("elsewhere", 0): 1})

    def test_who_was_thrown_out_loses_its_partitions_and_commits_nothing(self, log: Log, join: Join):
        write(log, [("d1", b"1")])
        member = join("a")
        poll_until([member], lambda: len(member.records) == 1)
        log.expire("a")
        with pytest.raises((LostOwnership, TransportUnavailable)):
            member.commit(member.owned)
        poll_until([member], lambda: len(member.lost) == 4 and len(member.owned) == 4)
        poll_until([member], lambda: len(member.records) == 2)
        assert member.values() == [b"1", b"1"]

    def test_a_second_member_of_a_name_fences_the_first(self, log: Log, join: Join):
        write(log, [("d1", b"1")])
        first = join("a")
        poll_until([first], lambda: len(first.records) == 1)
        second = join("a")
        poll_until([second], lambda: len(second.owned) == 4)
        with pytest.raises(LostOwnership):
            first.commit(first.owned)
        first.transport.close()
        poll_until([second], lambda: len(second.records) == 1)
        second.commit(second.owned)

    def test_what_a_member_publishes_is_there_after_the_flush(self, log: Log, join: Join):
        member = join("a")
        member.transport.publish([Outgoing(log.topic, "d1", b"1"), Outgoing(log.topic, "d1", b"2")])
        member.transport.flush()
        poll_until([member], lambda: len(member.records) == 2)
        member.transport.flush()

    def test_the_largest_records_go_through(self, log: Log, join: Join):
        sizes = [MAX_SEGMENT_BYTES, MAX_DEAD_LETTER_BYTES, 10]
        write(log, [("d1", bytes(size)) for size in sizes])
        member = join("a")
        poll_until([member], lambda: len(member.records) == 3)
        assert [len(record.value or b"") for record in member.records] == sizes
