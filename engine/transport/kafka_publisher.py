"""The publishing half of Kafka: an idempotent producer whose flush is an acknowledgement."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from engine.errors import PublishFailed
from engine.transport.base import Outgoing, refuse_oversize
from engine.transport.kafka_client import MAX_REQUEST_BYTES, RECONNECT_MS, translated
from schemas.record import Position

DELIVERY_S: Final = 30.0
"""A record that no broker has acknowledged by then has failed; a broker that restarts is back sooner."""


class KafkaPublisher:
    """Writes records from one thread; the same key lies in the same partition of every topic of equal size."""

    def __init__(self, *, bootstrap: str, delivery_timeout_s: float = DELIVERY_S) -> None:
        self._bootstrap = bootstrap
        self._delivery_timeout_s = delivery_timeout_s
        self._producer: Any = self._open()
        self._sent: list[tuple[str, Any]] = []

    def publish(self, records: Sequence[Outgoing]) -> None:
        """Hand records to the producer. Raises `BadSegment`, `PublishFailed` for one that no topic could hold."""
        refuse_oversize(records)
        if self._producer is None:
            self._producer = self._open()
        for record in records:
            with translated(f"a record for {record.topic} cannot be sent"):
                try:
                    future = self._producer.send(
                        record.topic, key=record.key.encode(), value=record.value, headers=list(record.headers)
                    )
                except MessageSizeTooLargeError as error:
                    raise PublishFailed(f"a record for {record.topic} is too large: {error}") from error
            self._sent.append((record.topic, future))

    def flush(self) -> Sequence[Position]:
        """Wait for every acknowledgement. The producer's own flush does not raise: each future is asked.

        The positions that are returned do not know the topic's id.
        """
        sent, self._sent = self._sent, []
        with suppress(KafkaTimeoutError):
            # A batch fails by itself at the delivery timeout; the margin lets its failure be told.
            if sent:
                self._producer.flush(timeout=self._delivery_timeout_s * 1.5)
        refused = [(topic, future) for topic, future in sent if not future.succeeded()]
        if refused:
            # An idempotent producer that lost one batch of its sequence refuses every later one.
            self._producer.close(timeout=0)
            self._producer = None
            topic, future = refused[0]
            raise PublishFailed(
                f"{len(refused)} of {len(sent)} records were not acknowledged, the first for {topic}: "
                f"{future.exception or 'no answer in time'}"
            )
        return [
            Position(topic=found.topic, partition=found.partition, offset=found.offset)
            for found in (future.value for _, future in sent)
        ]

    def close(self) -> None:
        """Free the client; what was not flushed may be lost."""
        if self._producer is not None:
            self._producer.close(timeout=1.0)

    def _open(self) -> Any:
        with translated(f"no broker answers at {self._bootstrap}"):
            return KafkaProducer(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=round(self._delivery_timeout_s * 1000),
                reconnect_backoff_max_ms=RECONNECT_MS,
                acks="all",
                enable_idempotence=True,
                linger_ms=1,
                batch_size=128 * 1024,
                max_request_size=MAX_REQUEST_BYTES,
                delivery_timeout_ms=round(self._delivery_timeout_s * 1000),
                request_timeout_ms=round(self._delivery_timeout_s * 500),
                max_block_ms=round(self._delivery_timeout_s * 1000),
                allow_auto_create_topics=False,
            )
