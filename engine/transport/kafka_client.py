"""What every Kafka client here shares: sizes, errors as the engine's own, records as the port's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka.errors import FencedInstanceIdError, KafkaError

from engine.errors import LostOwnership, TransportUnavailable
from engine.transport.base import Incoming
from schemas.record import Position
from schemas.topics import MAX_STATE_BYTES, MIB

MAX_REQUEST_BYTES: Final = MAX_STATE_BYTES + MIB
"""The largest value on any topic, with its key, its headers and its batch around it."""
RECONNECT_MS: Final = 1000
"""The longest wait between two attempts to reach a broker; the client's own is half a minute."""
FETCH_WAIT_MS: Final = 50
"""How long a broker keeps a fetch that finds nothing: a partition that is resumed waits this long at most."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Errors of the client as errors of the engine."""
    try:
        yield
    except FencedInstanceIdError as error:
        raise LostOwnership(f"{doing}: another member has taken this one's place in the group") from error
    except KafkaError as error:
        raise TransportUnavailable(f"{doing}: {error}") from error


def incoming(record: Any, *, topic_id: str) -> Incoming:
    """The client's record as the port's."""
    return Incoming(
        position=Position(topic=record.topic, topic_id=topic_id, partition=record.partition, offset=record.offset),
        key=record.key.decode(errors="replace") if record.key is not None else None,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers),
        timestamp_s=record.timestamp / 1000,
    )


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What the broker says of a topic."""

    id: str
    partitions: tuple[int, ...]


def look_up(admin: Any, topics: Sequence[str]) -> dict[str, TopicFacts]:
    """The facts of these topics. Raises `TransportUnavailable` for one that is not there."""
    with translated("the topics cannot be looked up"):
        found = admin.describe_topics(list(topics))
    missing = [topic["name"] for topic in found if topic["error_code"] != 0]
    if missing:
        raise TransportUnavailable(f"the broker has no topic {', '.join(missing)}")
    return {
        topic["name"]: TopicFacts(
            id=str(topic["topic_id"]),
            partitions=tuple(sorted(partition["partition_index"] for partition in topic["partitions"])),
        )
        for topic in found
    }
