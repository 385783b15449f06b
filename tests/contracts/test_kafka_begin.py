"""A group that begins with what is to come."""

import pytest

from engine.transport.base import Outgoing
from engine.transport.kafka import begin_at_end
from tests.contracts.logs import Follower, KafkaLog, poll_until

pytestmark = pytest.mark.stack


def test_a_new_group_begins_at_the_end_and_one_that_has_begun_stays_where_it_is(kafka_bootstrap: str):
    log = KafkaLog(kafka_bootstrap)
    publisher = log.publisher()

    def write(value: bytes) -> None:
        publisher.publish([Outgoing(log.topic, "d1", value)])
        publisher.flush()

    def begin(group: str) -> None:
        begin_at_end(bootstrap=kafka_bootstrap, group=group, topics=[log.topic])

    write(b"before")
    begin(log.group)
    write(b"between")
    begin(log.group)
    member = Follower(log.member("a"))
    poll_until([member], lambda: len(member.records) == 1)
    member.transport.close()
    publisher.close()
    assert member.values() == [b"between"]


def test_a_group_with_a_member_is_left_alone(kafka_bootstrap: str):
    log = KafkaLog(kafka_bootstrap)
    publisher = log.publisher()
    publisher.publish([Outgoing(log.topic, "d1", b"first")])
    publisher.flush()
    publisher.close()
    member = Follower(log.member("a"))
    poll_until([member], lambda: len(member.owned) == 4)
    begin_at_end(bootstrap=kafka_bootstrap, group=log.group, topics=[log.topic])
    member.transport.close()
    again = Follower(log.member("b"))
    poll_until([again], lambda: len(again.records) == 1)
    again.transport.close()
