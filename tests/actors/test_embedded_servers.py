import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from actors.embedded.jars import cached_jars
from actors.embedded.kafka import embedded_kafka
from actors.embedded.topics import DAY_MS, Prepared, prepare_topics, turntone_topics
from actors.embedded.valkey import embedded_valkey
from schemas.topics import DEAD_LETTERS, MAX_DEAD_LETTER_BYTES, MAX_SEGMENT_BYTES, SEGMENTS, STATES, TURNS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not cached_jars(), reason="the broker's jars are not cached: python -m actors.embedded.install"),
]


def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_request_size=32 * 1024 * 1024)
    try:
        for sent in [producer.send(topic, key=b"d", value=value, partition=0) for value in values]:
            sent.get(timeout=20)
    finally:
        producer.close()


def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
        max_partition_fetch_bytes=16 * 1024**2,
    )
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [record.value for record in islice(consumer, count)]
    finally:
        consumer.close()


def cluster_id(folder: Path) -> str:
    lines = (folder / "data" / "meta.properties").read_text().splitlines()
    return next(line for line in lines if line.startswith("cluster.id="))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Prepared]]:
    """A broker's address, and what was done about its topics when there were none."""
    with embedded_kafka(folder=tmp_path_factory.mktemp("broker")) as broker:
        yield broker.address, prepare_topics(bootstrap=broker.address, topics=turntone_topics(partitions=3))


def test_broker_keeps_its_topics_records_and_name_over_a_restart_and_a_crash(tmp_path):
    with embedded_kafka(folder=tmp_path) as broker:
        prepare_topics(bootstrap=broker.address, topics=turntone_topics(partitions=2))
        produce(broker.address, SEGMENTS, b"one", b"two")
        first = cluster_id(tmp_path)
    assert not broker.alive
    broker = embedded_kafka(folder=tmp_path)
    broker.start()
    assert consume(broker.address, SEGMENTS, 2) == [b"one", b"two"]
    assert cluster_id(tmp_path) == first
    produce(broker.address, TURNS, b"said")
    broker.kill()
    assert not broker.alive
    with embedded_kafka(folder=tmp_path) as broker:
        assert consume(broker.address, TURNS, 1) == [b"said"]
        assert cluster_id(tmp_path) == first


def test_topics_are_made_once_and_compared_after_that(prepared):
    bootstrap, first = prepared
    assert {SEGMENTS, TURNS, DEAD_LETTERS, STATES} <= set(first.created)
    again = prepare_topics(bootstrap=bootstrap, topics=turntone_topics(partitions=3))
    assert again.created == ()
    assert again.differences == ()
    other = prepare_topics(bootstrap=bootstrap, topics=turntone_topics(partitions=3, segments_retention_ms=2 * DAY_MS))
    assert [str(difference) for difference in other.differences] == [
        f"turntone.segments: retention.ms is {DAY_MS}, expected {2 * DAY_MS}"
    ]


def test_the_largest_records_fit(prepared):
    bootstrap, _ = prepared
    produce(bootstrap, SEGMENTS, bytes(MAX_SEGMENT_BYTES))
    produce(bootstrap, DEAD_LETTERS, bytes(MAX_DEAD_LETTER_BYTES))
    assert [len(value) for value in consume(bootstrap, SEGMENTS, 1)] == [MAX_SEGMENT_BYTES]


def test_store_has_every_answered_write_after_a_crash(tmp_path):
    store = embedded_valkey(folder=tmp_path)
    store.start()
    client = redis.Redis.from_url(store.address)
    client.set("turn", "7")
    client.close()
    store.kill()
    with embedded_valkey(folder=tmp_path) as store:
        client = redis.Redis.from_url(store.address)
        assert client.get("turn") == b"7"
        client.close()
    assert not store.alive


def test_servers_end_with_the_process_that_started_them(tmp_path):
    script = (
        "import pathlib, sys, time\n"
        "from actors.embedded.valkey import embedded_valkey\n"
        "from threading import Thread\n"
        "server = embedded_valkey(folder=pathlib.Path(sys.argv[1]))\n"
        # Started by a thread that ends: the server has to outlive the thread and nothing else.
        "thread = Thread(target=server.start); thread.start(); thread.join()\n"
        "print(server.address, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    client = redis.Redis.from_url(url)
    assert client.ping()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline_s = time.monotonic() + 60
    while answers(client) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not answers(client)
    client.close()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_server_that_died_is_started_again_where_it_was(tmp_path):
    with embedded_valkey(folder=tmp_path) as store:
        before = store.address
        store.kill()
        store.start()
        assert (store.alive, store.address) == (True, before)
