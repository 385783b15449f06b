"""Transports that fail as brokers and machines do: they forget what was not flushed, or refuse a record."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from engine.errors import PublishFailed
from engine.transport.base import Outgoing, Partition, Polled
from engine.transport.memory import MemoryBroker, MemoryTransport


class ForgetfulTransport:
    """A member whose process can die: what it had not flushed is gone, but for what was already on its way.

    A producer sends in the background, so a crash may leave the first few of the unflushed records in the log.
    """

    def __init__(
        self, *, broker: MemoryBroker, group: str, topics: Sequence[str], member: str, on_their_way: int = 0
    ) -> None:
        self._broker = broker
        self._group = group
        self._name = member
        self._on_their_way = on_their_way
        self._inner = MemoryTransport(broker=broker, group=group, topics=topics, member=member)
        self.unflushed: list[Outgoing] = []

    def crash(self) -> None:
        """Die without a word: the group learns of it when the session times out, which is now."""
        for record in self.unflushed[: self._on_their_way]:
            self._broker.append(record)
        self.unflushed.clear()
        self._broker.expire(self._group, self._name)

    def poll(self, *, timeout_s: float, most: int) -> Polled:
        return self._inner.poll(timeout_s=timeout_s, most=most)

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._inner.pause(partitions)

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._inner.resume(partitions)

    def publish(self, records: Sequence[Outgoing]) -> None:
        self.unflushed.extend(records)

    def flush(self) -> None:
        self._inner.publish(tuple(self.unflushed))
        self.unflushed.clear()
        self._inner.flush()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self._inner.commit(offsets)

    def close(self) -> None:
        self._inner.close()


class RefusingTransport:
    """A member whose broker refuses some records: the others are written, and the flush raises `PublishFailed`.

    `refuse` is asked with the number of the record, counted from 0 since the transport was made, and the record.
    """

    def __init__(
        self,
        *,
        broker: MemoryBroker,
        group: str,
        topics: Sequence[str],
        member: str,
        refuse: Callable[[int, Outgoing], bool],
    ) -> None:
        self._inner = MemoryTransport(broker=broker, group=group, topics=topics, member=member)
        self._refuse = refuse
        self._numbers = count()
        self._refused: list[Outgoing] = []

    def poll(self, *, timeout_s: float, most: int) -> Polled:
        return self._inner.poll(timeout_s=timeout_s, most=most)

    def pause(self, partitions: frozenset[Partition]) -> None:
        self._inner.pause(partitions)

    def resume(self, partitions: frozenset[Partition]) -> None:
        self._inner.resume(partitions)

    def publish(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            if self._refuse(next(self._numbers), record):
                self._refused.append(record)
            else:
                self._inner.publish([record])

    def flush(self) -> None:
        self._inner.flush()
        refused, self._refused = self._refused, []
        if refused:
            raise PublishFailed(f"{len(refused)} records were not acknowledged, the first for {refused[0].topic}")

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        self._inner.commit(offsets)

    def close(self) -> None:
        self._inner.close()
