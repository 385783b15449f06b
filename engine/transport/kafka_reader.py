"""Kafka topics read without a group: all partitions, from the beginning or from now on."""

from collections.abc import Mapping, Sequence

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from engine.transport.base import Incoming, Partition, first_offsets
from engine.transport.kafka_client import FETCH_WAIT_MS, MAX_REQUEST_BYTES, RECONNECT_MS, incoming, look_up, translated


class KafkaReader:
    """Reads what is committed, so records of a transaction that was given up are never seen.

    tail, offsets: as in `first_offsets`.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        topics: Sequence[str],
        from_beginning: bool,
        tail: int | None = None,
        offsets: Mapping[Partition, int] | None = None,
    ) -> None:
        with translated(f"no broker answers at {bootstrap}"):
            admin = KafkaAdminClient(bootstrap_servers=bootstrap)
            try:
                self._topics = look_up(admin, topics)
            finally:
                admin.close()
            self._consumer = KafkaConsumer(
                bootstrap_servers=bootstrap,
                reconnect_backoff_max_ms=RECONNECT_MS,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_partition_fetch_bytes=MAX_REQUEST_BYTES,
                fetch_max_wait_ms=FETCH_WAIT_MS,
                allow_auto_create_topics=False,
            )
            partitions = [
                TopicPartition(topic, number) for topic, facts in self._topics.items() for number in facts.partitions
            ]
            self._end = self._consumer.end_offsets(partitions)
            beginning = self._consumer.beginning_offsets(partitions)
            self._consumer.assign(partitions)
            first = first_offsets(
                _plain(beginning), _plain(self._end), from_beginning=from_beginning, tail=tail, offsets=offsets
            )
            for partition in partitions:
                self._consumer.seek(partition, first[partition.topic, partition.partition])

    def read(self, *, timeout_s: float) -> Sequence[Incoming]:
        """What came next; an empty sequence when nothing did within `timeout_s`."""
        with translated("the topics cannot be read"):
            found = self._consumer.poll(timeout_ms=round(timeout_s * 1000))
        return tuple(
            incoming(record, topic_id=self._topics[partition.topic].id)
            for partition, records in found.items()
            for record in records
        )

    def at_end(self) -> bool:
        """Whether everything that was there when the reader was opened has been read."""
        with translated("the topics cannot be read"):
            return all((self._consumer.position(partition) or 0) >= end for partition, end in self._end.items())

    def positions(self) -> Mapping[Partition, int]:
        """The offset each partition is read from next."""
        with translated("the topics cannot be read"):
            return {
                (partition.topic, partition.partition): self._consumer.position(partition) for partition in self._end
            }

    def close(self) -> None:
        """Free the client."""
        self._consumer.close(autocommit=False)


def _plain(offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
    return {(partition.topic, partition.partition): offset for partition, offset in offsets.items()}
