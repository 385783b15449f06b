"""What only Kafka does: refusals, fencing, topics that are not there, offsets that are gone."""

import gc
import logging
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from engine.errors import LostOwnership, PublishFailed, TransportUnavailable
from engine.transport.base import Outgoing, read_all
from engine.transport.kafka import KafkaTransport
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader
from schemas.topics import MIB
from tests.contracts.logs import Follower, KafkaLog, poll_until

pytestmark = pytest.mark.stack

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def log(kafka_bootstrap: str) -> KafkaLog:
    return KafkaLog(kafka_bootstrap)


@pytest.fixture
def publisher(log: KafkaLog) -> Iterator[KafkaPublisher]:
    publisher = KafkaPublisher(bootstrap=log.bootstrap)
    yield publisher
    publisher.close()


@pytest.fixture
def reader(log: KafkaLog) -> Iterator[KafkaReader]:
    reader = KafkaReader(bootstrap=log.bootstrap, topics=[log.topic], from_beginning=True)
    yield reader
    reader.close()


def test_a_record_the_broker_refuses_fails_the_flush_and_only_that_one(log: KafkaLog, publisher: KafkaPublisher):
    narrow = f"{log.topic}-narrow"
    log.make(narrow, partitions=1, max_bytes=MIB)
    publisher.publish([Outgoing(log.topic, "d1", b"good"), Outgoing(narrow, "d1", bytes(2 * MIB))])
    with pytest.raises(PublishFailed, match=f"1 of 2 records were not acknowledged, the first for {narrow}"):
        publisher.flush()
    publisher.publish([Outgoing(narrow, "d1", b"later")])
    publisher.flush()
    reader = KafkaReader(bootstrap=log.bootstrap, topics=[log.topic, narrow], from_beginning=True)
    assert sorted(record.value or b"" for record in read_all(reader)) == [b"good", b"later"]
    reader.close()


def test_a_record_that_no_topic_could_hold_is_refused_at_once(log: KafkaLog, publisher: KafkaPublisher):
    with pytest.raises(PublishFailed, match="too large"):
        publisher.publish([Outgoing(log.topic, "d1", bytes(20 * MIB))])
    publisher.flush()


def test_a_topic_that_is_not_there_is_named(log: KafkaLog):
    with pytest.raises(TransportUnavailable, match="no topic missing"):
        KafkaReader(bootstrap=log.bootstrap, topics=["missing"], from_beginning=True)
    with pytest.raises(TransportUnavailable, match="no topic missing"):
        KafkaTransport(bootstrap=log.bootstrap, group="g", topics=["missing"], member="a")


def test_a_reader_does_not_see_what_a_transaction_took_back(log: KafkaLog, reader: KafkaReader):
    producer = KafkaProducer(bootstrap_servers=log.bootstrap, transactional_id=log.topic)
    producer.init_transactions()
    for value, end in ((b"taken back", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.send(log.topic, key=b"d1", value=value)
        producer.flush()
        end()
    producer.close()
    assert [record.value for record in reader.read(timeout_s=30.0)] == [b"kept"]


def test_a_member_that_restarts_under_its_name_takes_nothing_from_the_others(log: KafkaLog):
    stays, dies = Follower(log.member("stays")), Follower(log.member("dies"))
    poll_until([stays, dies], lambda: len(stays.owned) == len(dies.owned) == 2)
    before = set(stays.owned)
    returns = Follower(log.member("dies"))
    poll_until([stays, returns], lambda: len(returns.owned) == 2)
    assert returns.owned == dies.owned
    assert stays.owned == before
    for follower in (dies, stays, returns):
        follower.transport.close()


def test_a_member_that_drains_leaves_at_once_and_not_when_its_session_runs_out(log: KafkaLog):
    member = Follower(log.member("a"))
    poll_until([member], lambda: len(member.owned) == 4)
    member.transport.close()
    admin = KafkaAdminClient(bootstrap_servers=log.bootstrap)
    assert admin.describe_groups([log.group])[log.group]["members"] == []
    admin.close()


def test_a_fenced_member_hears_of_it_although_nothing_comes(log: KafkaLog, publisher: KafkaPublisher):
    publisher.publish([Outgoing(log.topic, "d1", b"1")])
    publisher.flush()
    first = Follower(log.member("a"))
    poll_until([first], lambda: len(first.records) == 1)
    first.commit(first.owned)
    second = Follower(log.member("a"))
    poll_until([second], lambda: len(second.owned) == 4)
    with pytest.raises(LostOwnership):
        poll_until([first], lambda: False)
    for follower in (first, second):
        follower.transport.close()


def test_offsets_that_are_gone_begin_at_the_oldest_there_is(log: KafkaLog, publisher: KafkaPublisher):
    publisher.publish([Outgoing(log.topic, "d1", bytes([number])) for number in range(4)])
    publisher.flush()
    first = Follower(log.member("a"))
    poll_until([first], lambda: len(first.records) == 4)
    partition = (log.topic, first.records[0].position.partition)
    first.transport.commit({partition: 1})
    first.transport.close()
    admin = KafkaAdminClient(bootstrap_servers=log.bootstrap)
    admin.delete_records({TopicPartition(*partition): 3})
    admin.close()
    second = Follower(log.member("b"))
    poll_until([second], lambda: second.values() == [bytes([3])])
    second.transport.close()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    # The client leaves the sockets of its vain attempts to the collector: let it be here, and not in another test.
    # Captured log records would keep them.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    with pytest.raises(TransportUnavailable, match="no broker answers"):
        KafkaPublisher(bootstrap=NOWHERE, delivery_timeout_s=1.0)
    gc.collect()
