"""The store in Redis (or Valkey): a hash a dialogue, compare-and-set by a script, one round trip a wave.

Keys: `turntone:{dialogue_id}` (the braces are the hash tag), `turntone:open` (sorted set of dialogues by the time of
their last write), `turntone:attempt:<position>`, `turntone:epoch`.

A wave is one transaction, so that a server that syncs every write to disk does it once: 27 ms for 256 records
instead of 221. The index can name a dialogue that has ended, expired or was refused; it never lacks an open one.
`open_dialogues` asks the records themselves and clears what is stale.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Self
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from engine.errors import StoreUnavailable
from engine.state.base import Loaded, OpenDialogue
from engine.state.codec import DIGEST, decode_fields, encode_fields
from schemas.record import DialogueRecord, Position

OPEN: Final = "turntone:open"
EPOCH: Final = "turntone:epoch"

# ARGV: version wanted, ttl in ms, digest of the new record, then field, value, ...
# A record that is already there was written by a call whose answer was lost.
_COMPARE_AND_SET: Final = """
local held = redis.call('HMGET', KEYS[1], 'version', 'digest')
if held[2] == ARGV[3] then return 1 end
if (held[1] or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# ARGV: new version, ttl in ms, then field, value, ...
_SET_IF_NEWER: Final = """
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if held >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# ARGV: dialogue id, the score it was seen with. A dialogue that was reopened meanwhile has another.
_CLEAR_STALE: Final = """
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
"""


Client = redis.Redis
"""For those beside this file who keep keys of their own."""


def connected(url: str, *, timeout_s: float = 5.0) -> Client:
    """A client of the server at `url`. Nothing is retried here: who calls decides when to try again."""
    return redis.Redis.from_url(
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the client as `StoreUnavailable`."""
    try:
        yield
    except redis.RedisError as error:
        raise StoreUnavailable(f"the store does not answer: {error}") from error


class RedisStore:
    """Dialogue records behind one client, which may be shared by threads."""

    def __init__(self, *, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def connect(cls, url: str, *, timeout_s: float = 5.0) -> Self:
        """A store on the server at `url`."""
        return cls(client=connected(url, timeout_s=timeout_s))

    def load(self, dialogue_ids: Sequence[str], *, attempts_of: Sequence[Position] = ()) -> Loaded:
        """Read records, attempts and the epoch in one round trip. Damaged records raise `SnapshotMismatch`."""
        with self._pipeline() as pipeline:
            for name in dialogue_ids:
                pipeline.hgetall(_key(name))
            for position in attempts_of:
                pipeline.get(_attempt_key(position))
            pipeline.get(EPOCH)
            *answers, epoch = pipeline.execute()
        hashes, attempts = answers[: len(dialogue_ids)], answers[len(dialogue_ids) :]
        return Loaded(
            records={name: _decode(found) for name, found in zip(dialogue_ids, hashes, strict=True) if found},
            attempts={position: int(count or 0) for position, count in zip(attempts_of, attempts, strict=True)},
            epoch=epoch.decode() if epoch else None,
        )

    def commit(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> frozenset[str]:
        """Write each record whose stored version is the one before its own, in one round trip; return the others."""
        with self._pipeline(transaction=True) as pipeline:
            _index(pipeline, records)
            for record in records:
                fields = encode_fields(record)
                given = [str(record.version - 1), _milliseconds(ttl_s), fields[DIGEST], *_flat(fields)]
                pipeline.eval(_COMPARE_AND_SET, 1, _key(record.dialogue_id), *given)
            written = pipeline.execute()[-len(records) :] if records else []
        return frozenset(record.dialogue_id for record, done in zip(records, written, strict=True) if not done)

    def restore(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> None:
        """Write each record unless the stored version is its own or newer."""
        with self._pipeline(transaction=True) as pipeline:
            _index(pipeline, records)
            for record in records:
                given = [str(record.version), _milliseconds(ttl_s), *_flat(encode_fields(record))]
                pipeline.eval(_SET_IF_NEWER, 1, _key(record.dialogue_id), *given)
            pipeline.execute()

    def drop(self, dialogue_ids: Sequence[str]) -> Mapping[str, bool]:
        """Erase records and their place in the index; says which existed."""
        with self._pipeline() as pipeline:
            for name in dialogue_ids:
                pipeline.delete(_key(name))
                pipeline.zrem(OPEN, name)
            deleted = pipeline.execute()[::2]
        return {name: bool(count) for name, count in zip(dialogue_ids, deleted, strict=True)}

    def open_dialogues(self, *, updated_before_s: float, most: int) -> Sequence[OpenDialogue]:
        """Open dialogues not written since then, longest silent first."""
        while True:
            with self._pipeline() as pipeline:
                before = f"({updated_before_s!r}"
                pipeline.zrange(OPEN, "-inf", before, byscore=True, offset=0, num=most, withscores=True)
                (silent,) = pipeline.execute()
            found = self._open_among([name.decode() for name, _ in silent])
            stale = [(name, score) for name, score in silent if name.decode() not in found]
            if not stale:
                return tuple(found.values())
            with self._pipeline() as pipeline:
                for name, score in stale:
                    pipeline.eval(_CLEAR_STALE, 1, OPEN, name, repr(score))
                pipeline.execute()

    def count_attempt(self, position: Position, *, ttl_s: float) -> int:
        """Note that a segment is begun alone; returns how often that has happened now."""
        with self._pipeline(transaction=True) as pipeline:
            pipeline.incr(_attempt_key(position))
            pipeline.pexpire(_attempt_key(position), _milliseconds(ttl_s))
            return int(pipeline.execute()[0])

    def clear_attempts(self, positions: Sequence[Position]) -> None:
        """Forget the attempts of segments that are done."""
        with self._pipeline() as pipeline:
            for position in positions:
                pipeline.delete(_attempt_key(position))
            pipeline.execute()

    def begin_epoch(self) -> str:
        """Give the store an id if it has none; returns the one it has."""
        with self._pipeline() as pipeline:
            pipeline.set(EPOCH, uuid4().hex, nx=True)
            pipeline.get(EPOCH)
            epoch: bytes = pipeline.execute()[1]
            return epoch.decode()

    def close(self) -> None:
        """Free the connections."""
        self._client.close()

    def _open_among(self, names: Sequence[str]) -> Mapping[str, OpenDialogue]:
        with self._pipeline() as pipeline:
            for name in names:
                pipeline.hmget(_key(name), "status", "updated_s", "version")
            answers = pipeline.execute()
        return {
            name: OpenDialogue(dialogue_id=name, updated_s=float(updated_s), version=int(version))
            for name, (status, updated_s, version) in zip(names, answers, strict=True)
            if status == b'"open"'
        }

    @contextmanager
    def _pipeline(self, *, transaction: bool = False) -> Iterator[Pipeline]:
        with translated(), self._client.pipeline(transaction=transaction) as pipeline:
            yield pipeline


def _index(pipeline: Pipeline, records: Sequence[DialogueRecord]) -> None:
    updated = {record.dialogue_id: record.updated_s for record in records if record.status == "open"}
    if updated:
        pipeline.zadd(OPEN, updated, gt=True)


def _decode(found: Mapping[bytes, bytes]) -> DialogueRecord:
    return decode_fields({name.decode(): value for name, value in found.items()})


def _key(dialogue_id: str) -> str:
    return f"turntone:{{{dialogue_id}}}"


def _attempt_key(position: Position) -> str:
    return f"turntone:attempt:{position}"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _flat(fields: Mapping[str, bytes]) -> Iterator[str | bytes]:
    for name, value in fields.items():
        yield name
        yield value
