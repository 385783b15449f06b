import json
import socket

import numpy as np
import pytest
from fakeredis import FakeRedis

from actors.cli import dialogue, main
from actors.cli.dead_letters import again, read
from actors.cli.options import bootstrap_of, reach, store_url_of
from actors.embedded.folder import Addresses, FolderLock, write_addresses
from engine.answers import orphan
from engine.config import Config
from engine.errors import BadMedia, BadSegment, ConfigurationError, SnapshotMismatch, TransportUnavailable
from engine.snapshot import encode
from engine.state.redis import RedisStore
from engine.transport.base import Incoming
from schemas.record import DialogueRecord, Position
from schemas.topics import DEAD_LETTERS, SEGMENTS


def letter(*, keep_media=True):
    """What the engine makes of a record it cannot read, as a reader of dead letters gets it."""
    headers = (("ce_id", b"1"), ("ce_redriveof", b"earlier"), ("content-type", b"audio/wav"))
    position = Position(topic=SEGMENTS, topic_id="t", partition=1, offset=7)
    broken = Incoming(position=position, key="call", value=b"media", headers=headers)
    dead = orphan(broken, error=BadMedia("it is text"), keep_media=keep_media)
    where = Position(topic=DEAD_LETTERS, partition=0, offset=0)
    return Incoming(position=where, key=dead.key, value=dead.value, headers=dead.headers)


def test_a_dead_letter_is_read():
    found = read(letter())
    assert (found.dialogue_id, found.stage, found.error) == ("call", "read", "BadMedia: it is text")
    assert (found.position, found.size, found.media) == ("t/1/7", 5, "")


def test_a_redrive_is_the_original_with_its_mark():
    sent = again(letter())
    assert (sent.topic, sent.key, sent.value) == (SEGMENTS, "call", b"media")
    headers = list(sent.headers)
    assert headers == [
        ("ce_id", b"1"),
        ("content-type", b"audio/wav"),
        ("ce_redriveof", read(letter()).id.encode()),
    ]


def test_what_was_withheld_cannot_be_redriven():
    with pytest.raises(BadSegment, match="withheld by policy"):
        again(letter(keep_media=False))


def record():
    return DialogueRecord(
        dialogue_id="call",
        version=1,
        incarnation="t/0/0",
        position=Position(topic=SEGMENTS, partition=0, offset=3),
        turns=2,
        model_id="m",
        state=encode({"emotion": np.zeros(4, np.float32), "speaker/anna": np.ones((2, 4), np.float32)}),
    )


def test_a_dialogue_is_described_without_its_bytes():
    described = dialogue.describe(record())
    assert described["states"] == {"emotion": "float32 [4]", "speaker/anna": "float32 [2, 4]"}
    assert (described["turns"], described["outbox"]) == (2, 0)
    assert "state" not in described
    json.dumps(described)


def test_what_remains_names_every_topic():
    lines = dialogue.remains()
    assert any("turntone.segments" in line and "24 hours" in line for line in lines)
    assert any("turntone.dead-letters" in line and "168 hours" in line for line in lines)
    assert any("turntone.states" in line and "tombstone" in line for line in lines)


def test_show_reads_the_store(monkeypatch, capsys):
    store = RedisStore(client=FakeRedis())
    store.commit([record()], ttl_s=60.0)
    monkeypatch.setattr(RedisStore, "connect", lambda url: store)
    monkeypatch.setattr(store, "close", lambda: None)
    assert main(["dialogue", "show", "call", "--json", "--store", "redis://x"]) == 0
    assert json.loads(capsys.readouterr().out)["dialogue_id"] == "call"
    assert main(["dialogue", "show", "other", "--store", "redis://x"]) == 1
    assert "Nothing is kept of dialogue other" in capsys.readouterr().err


def test_show_says_who_turned_out_to_be_whom(monkeypatch, capsys):
    store = RedisStore(client=FakeRedis())
    store.commit([record().model_copy(update={"aliases": {"speaker-3": "anna"}})], ttl_s=60.0)
    monkeypatch.setattr(RedisStore, "connect", lambda url: store)
    monkeypatch.setattr(store, "close", lambda: None)
    assert main(["dialogue", "show", "call", "--store", "redis://x"]) == 0
    assert "  speaker-3                turned out to be anna\n" in capsys.readouterr().out
    assert store.drop(["call"]) == {"call": True}
    assert main(["dialogue", "show", "call", "--store", "redis://x"]) == 1


def test_addresses_come_from_the_running_stack_unless_given(tmp_path):
    config = Config(data=tmp_path)
    with pytest.raises(ConfigurationError, match="No stack runs"):
        bootstrap_of(reach(config))
    lock = FolderLock(tmp_path)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = f"127.0.0.1:{listening.getsockname()[1]}"
            write_addresses(tmp_path, Addresses(address, "redis://127.0.0.1:2"))
            found = reach(config)
            assert (bootstrap_of(found), store_url_of(found)) == (address, "redis://127.0.0.1:2")
        given = reach(config, broker="kafka:9092", store="redis://there")
        assert (given.broker.bootstrap, store_url_of(given)) == ("kafka:9092", "redis://there")
        with pytest.raises(TransportUnavailable, match="No broker answers"):
            bootstrap_of(found)
    finally:
        lock.release()


def test_a_damaged_record_does_not_stand_in_the_way_of_its_erasure():
    client = FakeRedis()
    client.hset("turntone:{d}", mapping={"version": "not a number"})
    store = RedisStore(client=client)
    with pytest.raises(SnapshotMismatch):
        store.load(["d"])
    assert dialogue.is_open(store, "d") is False
    assert store.drop(["d"]) == {"d": True}
