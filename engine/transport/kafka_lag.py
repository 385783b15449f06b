"""How far a consumer group is behind, as the broker tells it: right also where no member of the group lives."""

from collections.abc import Mapping, Sequence
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from engine.transport.base import Partition
from engine.transport.kafka_client import RECONNECT_MS, look_up, translated

ANSWER_MS: Final = 5_000


class KafkaLag:
    """A client that only asks. Used from one thread at a time. Raises `TransportUnavailable`."""

    def __init__(self, *, bootstrap: str, group: str, topics: Sequence[str]) -> None:
        self._group = group
        with translated(f"no broker answers at {bootstrap}"):
            self._admin = KafkaAdminClient(
                bootstrap_servers=bootstrap,
                bootstrap_timeout_ms=ANSWER_MS,
                reconnect_backoff_max_ms=RECONNECT_MS,
                request_timeout_ms=ANSWER_MS,
            )
        try:
            self._partitions = [
                TopicPartition(topic, number)
                for topic, facts in look_up(self._admin, topics).items()
                for number in facts.partitions
            ]
        except BaseException:
            self._admin.close()
            raise

    def read(self) -> Mapping[Partition, int]:
        """Records of each partition that the group has not committed; of one it never committed, all of them."""
        with translated("the lag cannot be read"):
            committed = self._admin.list_group_offsets({self._group: self._partitions})[self._group]
            first = self._offsets(OffsetSpec.EARLIEST)
            end = self._offsets(OffsetSpec.LATEST)
        return {
            (each.topic, each.partition): max(0, end[each] - max(first[each], committed[each].offset))
            for each in self._partitions
        }

    def close(self) -> None:
        """Free the client."""
        self._admin.close()

    def _offsets(self, spec: OffsetSpec) -> Mapping[TopicPartition, int]:
        found = self._admin.list_partition_offsets(dict.fromkeys(self._partitions, spec))
        return {each: answer.offset for each, answer in found.items()}
