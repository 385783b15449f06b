"""The log as a port: poll, publish, flush, commit. Called from one thread of its owner's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.record import Position

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
    """A member of a consumer group that also publishes. At least once.

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
        """Say that everything below these offsets is done. Raise `LostOwnership` if the group says otherwise."""
        ...

    def close(self) -> None:
        """Leave the group for good and free the clients."""
        ...
