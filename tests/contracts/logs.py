"""The two logs the transport's contract is run over, behind one face."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from uuid import uuid4

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove

from actors.embedded.topics import Topic, prepare_topics
from engine.transport.base import Incoming, Partition, Polled, Publisher, Reader, Transport
from engine.transport.kafka import KafkaTransport
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader
from engine.transport.memory import MemoryBroker, MemoryPublisher, MemoryReader, MemoryTransport
from schemas.topics import MAX_STATE_BYTES, MIB

GROUP = "engine"
PATIENCE_S = 60.0


class MemoryLog:
    def __init__(self) -> None:
        self.topic = "talk"
        self._broker = MemoryBroker(partitions=4)

    def member(self, name: str) -> Transport:
        return MemoryTransport(broker=self._broker, group=GROUP, topics=[self.topic], member=name)

    def publisher(self) -> Publisher:
        return MemoryPublisher(broker=self._broker)

    def reader(
        self, *, from_beginning: bool, tail: int | None = None, offsets: Mapping[Partition, int] | None = None
    ) -> Reader:
        return MemoryReader(
            broker=self._broker, topics=[self.topic], from_beginning=from_beginning, tail=tail, offsets=offsets
        )

    def expire(self, name: str) -> None:
        self._broker.expire(GROUP, name)


class KafkaLog:
    """A topic and a group of its own on a broker that others use as well."""

    def __init__(self, bootstrap: str) -> None:
        name = uuid4().hex
        self.topic = f"talk-{name}"
        self.bootstrap = bootstrap
        self.group = f"{GROUP}-{name}"
        self.make(self.topic, partitions=4, max_bytes=MAX_STATE_BYTES + MIB // 2)

    def make(self, topic: str, *, partitions: int, max_bytes: int) -> None:
        prepare_topics(
            bootstrap=self.bootstrap, topics=[Topic(topic, partitions, {"max.message.bytes": str(max_bytes)})]
        )

    def member(self, name: str) -> Transport:
        return KafkaTransport(
            bootstrap=self.bootstrap, group=self.group, topics=[self.topic], member=name, session_timeout_s=3.0
        )

    def publisher(self) -> Publisher:
        return KafkaPublisher(bootstrap=self.bootstrap)

    def reader(
        self, *, from_beginning: bool, tail: int | None = None, offsets: Mapping[Partition, int] | None = None
    ) -> Reader:
        return KafkaReader(
            bootstrap=self.bootstrap, topics=[self.topic], from_beginning=from_beginning, tail=tail, offsets=offsets
        )

    def expire(self, name: str) -> None:
        """Throw the member out, as the broker does when a session times out."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.remove_group_members(self.group, [MemberToRemove(group_instance_id=name)])
        admin.close()


class Follower:
    """A member that remembers everything its polls brought, and commits what it gives up."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.records: list[Incoming] = []
        self.owned: set[Partition] = set()
        self.revoked: set[Partition] = set()
        self.lost: set[Partition] = set()

    def poll(self, *, most: int = 1000) -> Polled:
        polled = self.transport.poll(timeout_s=0.05, most=most)
        self.records += polled.records
        self.revoked |= polled.revoked
        self.lost |= polled.lost
        self.owned = self.owned - polled.revoked - polled.lost | polled.assigned
        if polled.revoked:
            self.commit(polled.revoked)
        return polled

    def commit(self, partitions: Collection[Partition]) -> None:
        """Everything it has read of these partitions is done."""
        positions = [record.position for record in self.records]
        done = {(position.topic, position.partition): position.offset + 1 for position in positions}
        self.transport.commit({partition: offset for partition, offset in done.items() if partition in partitions})

    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]


def poll_until(followers: Sequence[Follower], reached: Callable[[], bool]) -> None:
    """Poll them side by side, as workers do, until it is so; a minute without it is a failure."""
    give_up_s = monotonic() + PATIENCE_S
    stop = Event()

    def follow(follower: Follower) -> None:
        while not stop.is_set() and monotonic() < give_up_s:
            follower.poll()
            if reached():
                stop.set()

    with ThreadPoolExecutor(len(followers)) as threads:
        for running in [threads.submit(follow, follower) for follower in followers]:
            running.result()
    assert reached(), f"not reached in {PATIENCE_S} s: {[vars(follower) for follower in followers]}"
