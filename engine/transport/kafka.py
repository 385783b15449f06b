"""Kafka as a transport: a static member of a cooperative group, and a producer beside it.

At least once. A transaction would open in `publish` before its first record, take the offsets of `commit` with the
consumer's `group_metadata()`, and end in `flush`.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import MemberState

from engine.errors import LostOwnership, TransportUnavailable, Unavailable
from engine.transport.base import Outgoing, Partition, Polled
from engine.transport.kafka_client import FETCH_WAIT_MS, MAX_REQUEST_BYTES, RECONNECT_MS, incoming, look_up, translated
from engine.transport.kafka_publisher import DELIVERY_S, KafkaPublisher

SETTLING_SLICE_S: Final = 0.2
"""One call of the client while the group changes."""
SETTLE_S: Final = 3.0
"""How long a poll stays with a group that changes."""
COMMIT_S: Final = 10.0
CLOSE_S: Final = 5.0


class KafkaTransport:
    """One member of a group. One thread at a time may call it, for neither client may be shared.

    `member` names the worker's slot: who comes back under it within the session gets its partitions at once, and
    who still runs under it is fenced.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        member: str,
        session_timeout_s: float = 6.0,
        max_poll_interval_s: float = 60.0,
        read_committed: bool = False,
        delivery_timeout_s: float = DELIVERY_S,
    ) -> None:
        self._group = group
        self._member = member
        self._session_timeout_s = session_timeout_s
        self._changes = _Changes()
        self._owned: set[Partition] = set()
        self._leaving: frozenset[Partition] = frozenset()
        self._committed: dict[Partition, int] = {}
        self._heard_s = time.monotonic()
        with translated(f"no broker answers at {bootstrap}"), ExitStack() as opened:
            self._admin = KafkaAdminClient(bootstrap_servers=bootstrap, reconnect_backoff_max_ms=RECONNECT_MS)
            opened.callback(self._admin.close)
            self._topics = look_up(self._admin, topics)
            self._publisher = KafkaPublisher(bootstrap=bootstrap, delivery_timeout_s=delivery_timeout_s)
            opened.callback(self._publisher.close)
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap,
                reconnect_backoff_max_ms=RECONNECT_MS,
                group_id=group,
                group_instance_id=member,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                session_timeout_ms=round(session_timeout_s * 1000),
                # A rebalance is heard of at a heartbeat, and a partition moves in two rebalances.
                heartbeat_interval_ms=round(session_timeout_s * 1000 / 6),
                max_poll_interval_ms=round(max_poll_interval_s * 1000),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed" if read_committed else "read_uncommitted",
                max_partition_fetch_bytes=MAX_REQUEST_BYTES,
                fetch_max_wait_ms=FETCH_WAIT_MS,
                allow_auto_create_topics=False,
            )
            opened.callback(self._consumer.close, autocommit=False)
            self._consumer.subscribe(list(topics), listener=self._changes)
            # A leader that joins before it knows the partitions gives out none, and does not notice when it does.
            unknown = [topic for topic in topics if not self._consumer.partitions_for_topic(topic)]
            if unknown:
                raise TransportUnavailable(f"the broker did not name the partitions of {', '.join(unknown)}")
            opened.pop_all()

    def poll(self, *, timeout_s: float, most: int) -> Polled:
        """Changes of ownership first, then records. While the group changes it takes longer than it was given.

        The client throws a rebalance away that ends between two of its calls, and begins another: members that
        come and go would keep the group from ever settling. So a poll stays until it has settled, or `SETTLE_S`.
        """
        self._probe()
        now_s = time.monotonic()
        deadline_s, settled_s = now_s + timeout_s, now_s + SETTLE_S
        while True:
            slice_s = max(0.0, deadline_s - time.monotonic()) if self._stable() else SETTLING_SLICE_S
            found: Mapping[TopicPartition, Sequence[Any]] = {}
            with translated("the group cannot be polled"), _ended_by_a_change():
                found = self._consumer.poll(timeout_ms=round(slice_s * 1000), max_records=most)
            change = self._changes.take()
            self._own(change)
            records = tuple(
                incoming(record, topic_id=self._topics[partition.topic].id)
                for partition, several in found.items()
                for record in several
            )
            if records or change != Polled() or time.monotonic() >= (deadline_s if self._stable() else settled_s):
                return replace(change, records=records)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Give no records of these partitions until they are resumed; heartbeats go on in the client's thread."""
        self._consumer.pause(*self._held(partitions))

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Undo `pause`."""
        self._consumer.resume(*self._held(partitions))

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Hand records to the producer."""
        self._publisher.publish(records)

    def flush(self) -> None:
        """Wait for every acknowledgement, else raise `PublishFailed`."""
        self._publisher.flush()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit, or raise: `TransportUnavailable` while the group is unsettled, `LostOwnership` when fenced."""
        foreign = sorted(offsets.keys() - self._owned - self._leaving)
        if foreign:
            raise LostOwnership(f"member {self._member!r} does not own {foreign}")
        with translated("the offsets cannot be committed"):
            self._consumer.commit(
                {
                    TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
                    for partition, offset in offsets.items()
                },
                timeout_ms=round(COMMIT_S * 1000),
            )
        self._heard_s = time.monotonic()
        self._committed.update(offsets)

    def close(self) -> None:
        """Leave the group for good. The client sends no word for a static member, so the member is removed by name.

        The member's id goes along: where a successor has the name already, it stays.
        """
        member_id = self._consumer.group_metadata().member_id
        self._changes.closing = True
        self._consumer.close(autocommit=False, timeout_ms=round(CLOSE_S * 1000))
        self._publisher.close()
        # Where the group cannot be told, the session runs out and the group learns of it that way.
        with suppress(Unavailable), translated("the group could not be told"):
            if member_id:
                leaving = MemberToRemove(member_id=member_id, group_instance_id=self._member, reason="drained")
                self._admin.remove_group_members(self._group, [leaving])
        self._admin.close()

    def _own(self, change: Polled) -> None:
        """Nothing in here may raise: the client will not give what it has given again."""
        self._owned = self._owned - change.revoked - change.lost | change.assigned
        self._leaving = change.revoked
        self._committed = {
            partition: offset for partition, offset in self._committed.items() if partition in self._owned
        }
        if change.assigned:
            # A topic that was made anew has another id. Without an answer the ids that are known stay.
            with suppress(Unavailable):
                self._topics |= look_up(self._admin, list(self._topics))

    def _probe(self) -> None:
        """Commit again what is committed: a heartbeat that is fenced is only logged by the client, a commit raises."""
        now_s = time.monotonic()
        if now_s - self._heard_s > self._session_timeout_s and self._stable():
            self._heard_s = now_s
            if self._committed:
                self.commit(dict(self._committed))

    def _stable(self) -> bool:
        return bool(self._consumer.group_metadata().state == MemberState.STABLE)

    def _held(self, partitions: Collection[Partition]) -> list[TopicPartition]:
        """Those the client has: to name another is an error there."""
        held = self._consumer.assignment()
        return [found for partition in partitions if (found := TopicPartition(*partition)) in held]


def begin_at_end(*, bootstrap: str, group: str, topics: Sequence[str]) -> None:
    """Have a group that is new begin with what is to come: commit the end of every partition it has no offset of.

    A group that has members is past its beginning and left alone. What is written from now on the first member reads,
    and everything of a partition that is added later. Raises `TransportUnavailable`.
    """
    with translated(f"the group {group} cannot begin at {bootstrap}"), ExitStack() as opened:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        opened.callback(admin.close)
        consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
        opened.callback(consumer.close, autocommit=False)
        consumer.assign(
            [
                TopicPartition(topic, number)
                for topic, facts in look_up(admin, topics).items()
                for number in facts.partitions
            ]
        )
        fresh = [partition for partition in consumer.assignment() if consumer.committed(partition) is None]
        if fresh:
            ends = consumer.end_offsets(fresh)
            with suppress(CommitFailedError):  # it has members
                consumer.commit({partition: OffsetAndMetadata(end, "", -1) for partition, end in ends.items()})


class _Told(Exception):
    """Raised by the listener: the one way to end a call of the client before it lets go of what it has revoked."""


def _not_told(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], _Told))


# The client logs what a listener raises as an error of the listener.
logging.getLogger("kafka.coordinator.consumer").addFilter(_not_told)


@contextmanager
def _ended_by_a_change() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        if not isinstance(error.__cause__, _Told):
            raise


class _Changes(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """What the group told this member since it was last asked.

    The client calls it on its own thread, where nothing may block or commit: it writes down and ends the call.
    """

    def __init__(self) -> None:
        self._told: SimpleQueue[tuple[str, frozenset[Partition]]] = SimpleQueue()
        self.closing = False

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """Newly owned."""
        self._tell("assigned", assigned)

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """Given up in order."""
        self._tell("revoked", revoked)

    def on_partitions_lost(self, lost: Collection[Any]) -> None:
        """Taken away."""
        self._tell("lost", lost)

    def _tell(self, kind: str, partitions: Collection[Any]) -> None:
        self._told.put((kind, frozenset((partition.topic, partition.partition) for partition in partitions)))
        if not self.closing:
            raise _Told

    def take(self) -> Polled:
        """The sum of it; what came and went in between was never owned."""
        assigned: frozenset[Partition] = frozenset()
        revoked: frozenset[Partition] = frozenset()
        lost: frozenset[Partition] = frozenset()
        while not self._told.empty():
            kind, partitions = self._told.get()
            if kind == "assigned":
                assigned |= partitions
                continue
            held = partitions - assigned
            assigned -= partitions
            if kind == "revoked":
                revoked |= held
            else:
                lost |= held
        return Polled(assigned=assigned, revoked=revoked, lost=lost)
