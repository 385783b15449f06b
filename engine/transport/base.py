"""The log as ports: a member of a group (poll, publish, flush, commit), a reader without a group, a publisher."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import BadSegment
from schemas.record import Position
from schemas.topics import MAX_SEGMENT_BYTES, SEGMENTS

Partition = tuple[str, int]
"""Topic and number."""
Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it was read."""

    position: Position
    key: str | None
    value: bytes | None
    headers: Headers = ()
    timestamp_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be published."""

    topic: str
    key: str
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought: changes of ownership first, then records of the partitions still owned."""

    records: Sequence[Incoming] = ()
    assigned: frozenset[Partition] = frozenset()
    """Newly owned; their records begin at the committed offset."""
    revoked: frozenset[Partition] = frozenset()
    """Given up in order: what is done may still be committed before the next poll."""
    lost: frozenset[Partition] = frozenset()
    """Taken away: never to be committed."""


class Transport(Protocol):
    """A member of a consumer group that also publishes. At least once; called from one thread of its owner's.

    Errors: `TransportUnavailable` (back off), `LostOwnership` (fenced: stop), `PublishFailed`.
    """

    def poll(self, *, timeout_s: float, most: int) -> Polled:
        """Records of the owned partitions, in order within each; a partition that is paused gives none."""
        ...

    def pause(self, partitions: frozenset[Partition]) -> None:
        """Give no records of these partitions until they are resumed; heartbeats go on."""
        ...

    def resume(self, partitions: frozenset[Partition]) -> None:
        """Undo `pause`."""
        ...

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Hand records to the producer; none is safe before `flush` returned."""
        ...

    def flush(self) -> None:
        """Wait until every record published since the last flush is acknowledged, else raise `PublishFailed`."""
        ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Say that everything below these offsets is done.

        Raise `LostOwnership` for a partition or a place in the group that is another's, `TransportUnavailable` while
        the group changes: the next poll tells what is still owned.
        """
        ...

    def close(self) -> None:
        """Leave the group for good and free the clients."""
        ...


class Reader(Protocol):
    """Reads topics without a group: `watch`, dead letters, the rebuild from snapshots. Used from one thread.

    Raises `TransportUnavailable`.
    """

    def read(self, *, timeout_s: float) -> Sequence[Incoming]:
        """What came next, in order within each partition; nothing within `timeout_s`: an empty sequence."""
        ...

    def at_end(self) -> bool:
        """Whether everything that was there when the reader was opened has been read."""
        ...

    def positions(self) -> Mapping[Partition, int]:
        """The offset each partition is read from next."""
        ...

    def close(self) -> None:
        """Free the client."""
        ...


class Publisher(Protocol):
    """Writes records and owns no partition: `replay`, `stream`, timers, redrives.

    Raises `BadSegment` for media that is too large for a record, `TransportUnavailable`, `PublishFailed`.
    """

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Hand records to the producer; none is safe before `flush` returned."""
        ...

    def flush(self) -> Sequence[Position]:
        """Wait until every record published since the last flush is acknowledged, else raise `PublishFailed`.

        Returns where they stand, in the order they were published.
        """
        ...

    def close(self) -> None:
        """Free the client; what was not flushed may be lost."""
        ...


def read_all(reader: Reader, *, timeout_s: float = 1.0) -> Iterator[Incoming]:
    """Everything that was in the reader's topics when it was opened."""
    while not reader.at_end():
        yield from reader.read(timeout_s=timeout_s)


def first_offsets(
    beginning: Mapping[Partition, int],
    end: Mapping[Partition, int],
    *,
    from_beginning: bool,
    tail: int | None,
    offsets: Mapping[Partition, int] | None,
) -> dict[Partition, int]:
    """Where a reader begins: at the beginning or at the end of every partition.

    tail: no further back than so many records.
    offsets: where the partitions named in it are read from, however far that is; one that is not kept, or not there
    yet, means the partition's beginning.
    """
    first = {}
    for partition, last in end.items():
        start = beginning[partition] if from_beginning else last
        if tail is not None:
            start = max(start, last - tail)
        asked = (offsets or {}).get(partition)
        if asked is not None:
            start = asked if beginning[partition] <= asked <= last else beginning[partition]
        first[partition] = start
    return first


def refuse_oversize(records: Sequence[Outgoing]) -> None:
    """Raise `BadSegment` where the media of a segment is too large for a record."""
    for record in records:
        if record.topic == SEGMENTS and record.value is not None and len(record.value) > MAX_SEGMENT_BYTES:
            raise BadSegment(
                f"the media of a segment of dialogue {record.key} has {len(record.value)} bytes and a record holds "
                f"{MAX_SEGMENT_BYTES}: put the media where the workers can read it and send its address in `dataref`"
            )
