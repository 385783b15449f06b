"""A dialogue's record as bytes: named fields for the store's hash, one value for the snapshot topic.

Every field that is not bytes is JSON, so that `HGETALL` can be read; the outbox is msgpack, for it holds bytes
itself. `digest` covers all the others: it tells a damaged record from a whole one, and a writer's own write from
that of another.
"""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgpack
from pydantic import ValidationError

from engine.errors import SnapshotMismatch
from schemas.record import DialogueRecord

DIGEST: Final = "digest"
_BYTES: Final = ("alerts", "state")
_OUTBOX: Final = "outbox"


def encode_fields(record: DialogueRecord) -> dict[str, bytes]:
    """The fields of a record by name."""
    plain = record.model_dump(mode="json", exclude={*_BYTES, _OUTBOX})
    fields = {name: json.dumps(value, separators=(",", ":")).encode() for name, value in plain.items()}
    fields.update(alerts=record.alerts, state=record.state)
    fields[_OUTBOX] = msgpack.packb([entry.model_dump() for entry in record.outbox])
    fields[DIGEST] = _digest(fields)
    return fields


def decode_fields(fields: Mapping[str, bytes]) -> DialogueRecord:
    """The record of these fields; fields of a later layout are passed over. Raises `SnapshotMismatch`."""
    if fields.get(DIGEST) != _digest(fields):
        raise SnapshotMismatch("a stored dialogue is damaged: its digest does not fit its fields")
    try:
        values: dict[str, Any] = {
            name: value if name in _BYTES else json.loads(value)
            for name, value in fields.items()
            if name not in (_OUTBOX, DIGEST)
        }
        values[_OUTBOX] = msgpack.unpackb(fields[_OUTBOX])
        return DialogueRecord.model_validate(values)
    except (ValueError, KeyError, ValidationError, msgpack.UnpackException) as error:
        raise SnapshotMismatch(f"a stored dialogue has a layout this version does not read: {error}") from error


def encode_record(record: DialogueRecord) -> bytes:
    """The record as one value: what the topic of snapshots holds."""
    packed: bytes = msgpack.packb(encode_fields(record))
    return packed


def decode_record(value: bytes) -> DialogueRecord:
    """The record of one value. Raises `SnapshotMismatch`."""
    try:
        fields = msgpack.unpackb(value)
    except (ValueError, msgpack.UnpackException) as error:
        raise SnapshotMismatch(f"a snapshot is damaged: {error}") from error
    if not isinstance(fields, dict) or not all(
        isinstance(name, str) and isinstance(field, bytes) for name, field in fields.items()
    ):
        raise SnapshotMismatch("a snapshot is not a map of named fields")
    return decode_fields(fields)


def _digest(fields: Mapping[str, bytes]) -> bytes:
    digest = blake2b(digest_size=16)
    for name in sorted(fields):
        if name != DIGEST:
            digest.update(f"{name}:{len(fields[name])}:".encode())
            digest.update(fields[name])
    return digest.digest()
