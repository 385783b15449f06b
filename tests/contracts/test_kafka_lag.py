"""How far a group is behind: what it has not committed, and all that is kept where it never committed."""

import gc
import logging

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.structs import OffsetAndMetadata

from engine.errors import TransportUnavailable
from engine.transport.base import Outgoing
from engine.transport.kafka_lag import KafkaLag
from tests.contracts.logs import KafkaLog

pytestmark = pytest.mark.stack

GROUP = "behind"


def test_what_a_group_has_not_committed(kafka_bootstrap: str):
    log = KafkaLog(kafka_bootstrap)
    publisher = log.publisher()
    publisher.publish([Outgoing(log.topic, "d1", b"one") for _ in range(5)])
    publisher.flush()
    publisher.close()
    lag = KafkaLag(bootstrap=kafka_bootstrap, group=GROUP, topics=[log.topic])
    before = lag.read()
    assert sorted(before.values()) == [0, 0, 0, 5]
    (partition,) = (each for each, behind in before.items() if behind)
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.alter_group_offsets(GROUP, {TopicPartition(*partition): OffsetAndMetadata(3, "", -1)})
    admin.close()
    assert lag.read() == {**before, partition: 2}
    lag.close()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_broker_that_is_not_there_is_away(monkeypatch: pytest.MonkeyPatch):
    # The client leaves the sockets of its vain attempts to the collector: let it be here, and not in another test.
    # Captured log records would keep them.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    monkeypatch.setattr("engine.transport.kafka_lag.ANSWER_MS", 200)
    with pytest.raises(TransportUnavailable):
        KafkaLag(bootstrap="127.0.0.1:1", group=GROUP, topics=["talk"])
    gc.collect()
