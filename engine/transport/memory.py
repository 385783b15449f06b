"""The log in memory: topics, partitions and consumer groups of one process, for `analyze` and for tests."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Condition
from typing import Final
from zlib import crc32

from engine.clock import Clock, SystemClock
from engine.transport.base import Incoming, Outgoing, Partition, Polled, first_offsets, refuse_oversize
from engine.transport.memory_group import Group, Member
from schemas.record import Position

DEFAULT_PARTITIONS: Final = 4


class MemoryBroker:
    """Topics and consumer groups behind one lock. Topics are made when they are first named."""

    def __init__(self, *, partitions: int = DEFAULT_PARTITIONS, clock: Clock | None = None) -> None:
        self.changed = Condition()
        self._partitions = partitions
        self._clock = clock or SystemClock()
        self._topics: dict[str, list[list[Incoming]]] = {}
        self._forgotten: dict[Partition, int] = {}
        self._groups: dict[str, Group] = {}

    def partitions_of(self, topic: str) -> tuple[Partition, ...]:
        """The partitions of a topic, in order."""
        return tuple((topic, number) for number in range(len(self._topic(topic))))

    def partition_of(self, topic: str, key: str) -> Partition:
        """Where records of this key go, always the same."""
        return topic, crc32(key.encode()) % len(self._topic(topic))

    def append(self, record: Outgoing) -> Position:
        """Write one record at the end of its partition."""
        with self.changed:
            topic, number = self.partition_of(record.topic, record.key)
            log = self._topic(topic)[number]
            position = Position(
                topic=topic, topic_id=f"memory-{topic}", partition=number, offset=self._end((record.topic, number))
            )
            log.append(
                Incoming(
                    position=position,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    timestamp_s=self._clock.wall_s(),
                )
            )
            self.changed.notify_all()
            return position

    def read(self, partition: Partition, offset: int, most: int) -> Sequence[Incoming]:
        """At most `most` records of a partition from an offset on, or from the first that is not forgotten."""
        with self.changed:
            first = max(0, offset - self._forgotten.get(partition, 0))
            return tuple(self._topic(partition[0])[partition[1]][first : first + most])

    def forget(self, partition: Partition, below: int) -> None:
        """Drop the records of a partition below an offset; the offsets of the others stay."""
        with self.changed:
            gone = max(0, below - self._forgotten.get(partition, 0))
            del self._topic(partition[0])[partition[1]][:gone]
            self._forgotten[partition] = self._forgotten.get(partition, 0) + gone

    def beginning(self, partition: Partition) -> int:
        """The offset of the first record of a partition that is not forgotten."""
        with self.changed:
            return self._forgotten.get(partition, 0)

    def end(self, partition: Partition) -> int:
        """The offset the next record of a partition will have."""
        with self.changed:
            return self._end(partition)

    def records(self, topic: str) -> Sequence[Incoming]:
        """Everything in a topic that is not forgotten, partition after partition."""
        with self.changed:
            return tuple(record for log in self._topic(topic) for record in log)

    def committed(self, group: str) -> Mapping[Partition, int]:
        """The committed offsets of a group."""
        with self.changed:
            found = self._groups.get(group)
            return dict(found.committed) if found else {}

    def group(self, name: str, topics: Sequence[str]) -> Group:
        """The consumer group of this name, which reads these topics."""
        with self.changed:
            if name not in self._groups:
                partitions = tuple(partition for topic in topics for partition in self.partitions_of(topic))
                self._groups[name] = Group(partitions=partitions)
            return self._groups[name]

    def expire(self, group: str, member: str) -> None:
        """Let a member's session time out: its partitions are lost to it and go to the others."""
        with self.changed:
            self._groups[group].expire(member)
            self.changed.notify_all()

    def _end(self, partition: Partition) -> int:
        return self._forgotten.get(partition, 0) + len(self._topic(partition[0])[partition[1]])

    def _topic(self, topic: str) -> list[list[Incoming]]:
        if topic not in self._topics:
            self._topics[topic] = [[] for _ in range(self._partitions)]
        return self._topics[topic]


class MemoryTransport:
    """A member of a group of a `MemoryBroker`. A second member of the same name fences the first."""

    def __init__(self, *, broker: MemoryBroker, group: str, topics: Sequence[str], member: str) -> None:
        self._broker = broker
        self._group = broker.group(group, topics)
        with broker.changed:
            self._member: Member = self._group.join(member)
            broker.changed.notify_all()
        self._next: dict[Partition, int] = {}
        self._paused: frozenset[Partition] = frozenset()
        self._unflushed: list[Outgoing] = []
        self._turn = 0

    def poll(self, *, timeout_s: float, most: int) -> Polled:
        """Changes of ownership first, then records of the partitions still owned, each partition in its turn."""
        deadline_s = time.monotonic() + timeout_s
        with self._broker.changed:
            while True:
                polled = self._poll_once(most)
                left_s = deadline_s - time.monotonic()
                if polled != Polled() or left_s <= 0:
                    return polled
                self._broker.changed.wait(left_s)

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Give no records of these partitions until they are resumed."""
        self._paused |= partitions

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Undo `pause`."""
        self._paused -= partitions

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Keep records for the next flush."""
        self._unflushed.extend(records)

    def flush(self) -> None:
        """Write what was published."""
        due, self._unflushed = self._unflushed, []
        for record in due:
            self._broker.append(record)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Raise `LostOwnership` for a partition that is not this member's."""
        with self._broker.changed:
            self._group.commit(self._member, offsets)

    def close(self) -> None:
        """Leave the group; the others take over at their next poll."""
        with self._broker.changed:
            self._group.leave(self._member)
            self._broker.changed.notify_all()

    def _poll_once(self, most: int) -> Polled:
        change = self._group.heartbeat(self._member)
        for partition in change.assigned:
            self._next[partition] = self._group.committed.get(partition, 0)
        self._paused -= change.assigned | change.revoked | change.lost
        if change != Polled():
            self._broker.changed.notify_all()
        readable = sorted(self._group.held_by(self._member) - self._paused)
        self._turn += 1
        start = self._turn % len(readable) if readable else 0
        records: list[Incoming] = []
        for partition in readable[start:] + readable[:start]:
            fresh = self._broker.read(partition, self._next[partition], most - len(records))
            self._next[partition] += len(fresh)
            records.extend(fresh)
        return replace(change, records=tuple(records))


class MemoryReader:
    """Topics of a `MemoryBroker` without a group; `tail` and `offsets` as in `first_offsets`."""

    def __init__(
        self,
        *,
        broker: MemoryBroker,
        topics: Sequence[str],
        from_beginning: bool,
        tail: int | None = None,
        offsets: Mapping[Partition, int] | None = None,
    ) -> None:
        self._broker = broker
        self._end = {partition: broker.end(partition) for topic in topics for partition in broker.partitions_of(topic)}
        beginning = {partition: broker.beginning(partition) for partition in self._end}
        self._next = first_offsets(beginning, self._end, from_beginning=from_beginning, tail=tail, offsets=offsets)

    def read(self, *, timeout_s: float) -> Sequence[Incoming]:
        """What came since the last read; waits until something does, or for `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        with self._broker.changed:
            while True:
                records: list[Incoming] = []
                for partition, offset in self._next.items():
                    records.extend(self._broker.read(partition, offset, self._broker.end(partition) - offset))
                    self._next[partition] = self._broker.end(partition)
                left_s = deadline_s - time.monotonic()
                if records or left_s <= 0:
                    return tuple(records)
                self._broker.changed.wait(left_s)

    def position(self, partition: Partition) -> int:
        """The offset of the next record this reader will see."""
        return self._next[partition]

    def positions(self) -> Mapping[Partition, int]:
        """The offset each partition is read from next."""
        return dict(self._next)

    def at_end(self) -> bool:
        """Whether everything that was there when the reader was opened has been read."""
        return all(self._next[partition] >= end for partition, end in self._end.items())

    def close(self) -> None:
        """Nothing to free."""


class MemoryPublisher:
    """Writes to a `MemoryBroker`."""

    def __init__(self, *, broker: MemoryBroker) -> None:
        self._broker = broker
        self._unflushed: list[Outgoing] = []

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Keep records for the next flush; refuse media that is too large for a record."""
        refuse_oversize(records)
        self._unflushed.extend(records)

    def flush(self) -> Sequence[Position]:
        """Write what was published, and say where it stands."""
        due, self._unflushed = self._unflushed, []
        return [self._broker.append(record) for record in due]

    def close(self) -> None:
        """Nothing to free."""
