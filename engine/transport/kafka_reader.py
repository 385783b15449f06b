"""Kafka topics read without a group: all partitions, from the beginning or from now on."""

from collections.abc import Sequence

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from engine.transport.base import Incoming
from engine.transport.kafka_client import FETCH_WAIT_MS, MAX_REQUEST_BYTES, RECONNECT_MS, incoming, look_up, translated


class KafkaReader:
    """Reads what is committed, so records of a transaction that was given up are never seen."""

    def __init__(self, *, bootstrap: str, topics: Sequence[str], from_beginning: bool) -> None:
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
            self._consumer.assign(partitions)
            if from_beginning:
                self._consumer.seek_to_beginning()
            else:
                for partition, offset in self._end.items():
                    self._consumer.seek(partition, offset)

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

    def close(self) -> None:
        """Free the client."""
        self._consumer.close(autocommit=False)
