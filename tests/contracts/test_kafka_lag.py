"""How far a group is behind: what it has not committed, and all that is kept where it never committed."""

import gc
import logging

import pytest

from engine.errors import TransportUnavailable
from engine.transport.base import Outgoing
from engine.transport.kafka_lag import KafkaLag
from tests.contracts.logs import Follower, KafkaLog, poll_until

pytestmark = pytest.mark.stack

GROUP = "behind"


def test_what_a_group_has_not_committed(kafka_bootstrap: str):
    log = KafkaLog(kafka_bootstrap)
    publisher = log.publisher()
    publisher.publish([Outgoing(log.topic, "d1", b"one") for _ in range(5)])
    publisher.flush()
    publisher.close()
    member = Follower(log.member("a"))
    poll_until([member], lambda: len(member.records) == 5)
    lag = KafkaLag(bootstrap=kafka_bootstrap, group=log.group, topics=[log.topic])
    before = lag.read()
    position = member.records[0].position
    partition = (position.topic, position.partition)
    assert {each: behind for each, behind in before.items() if behind} == {partition: 5}
    assert len(before) == 4
    member.transport.commit({partition: 3})
    assert lag.read() == {**before, partition: 2}
    lag.close()
    member.transport.close()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_broker_that_is_not_there_is_away(monkeypatch: pytest.MonkeyPatch):
    # The client leaves the sockets of its vain attempts to the collector: let it be here, and not in another test.
    # Captured log records would keep them.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    monkeypatch.setattr("engine.transport.kafka_lag.ANSWER_MS", 200)
    with pytest.raises(TransportUnavailable):
        KafkaLag(bootstrap="127.0.0.1:1", group=GROUP, topics=["talk"])
    gc.collect()
