"""The store rebuilt from `turntone.states`, after it has lost everything or was set back."""

import logging
from collections.abc import Callable, Iterable

from engine.errors import SnapshotMismatch
from engine.state.base import Store
from engine.state.codec import decode_record
from schemas.record import DialogueRecord

Snapshots = Callable[[], Iterable[tuple[str, bytes | None]]]
"""Everything `turntone.states` holds, in order within each key: the dialogue's id and its record, or a tombstone."""

_BATCH = 256

_log = logging.getLogger(__name__)


def rebuild(*, store: Store, snapshots: Snapshots, ttl_s: float) -> int:
    """Put every dialogue's newest snapshot back where the store holds nothing newer, then begin its epoch.

    All partitions, not only those of the worker that asks: whoever finds an epoch trusts that the rebuild is
    complete. Several workers may do it at once. Returns how many dialogues were found. A snapshot that cannot be
    read is passed over: its dialogue starts afresh, and its next event says so.
    """
    newest = list(_newest(snapshots()).values())
    for start in range(0, len(newest), _BATCH):
        store.restore(newest[start : start + _BATCH], ttl_s=ttl_s)
    store.begin_epoch()
    return len(newest)


def _newest(snapshots: Iterable[tuple[str, bytes | None]]) -> dict[str, DialogueRecord]:
    newest: dict[str, DialogueRecord] = {}
    for dialogue_id, value in snapshots:
        if value is None:
            newest.pop(dialogue_id, None)
            continue
        try:
            record = decode_record(value)
        except SnapshotMismatch as error:
            _log.error("snapshot of dialogue %s passed over: %s", dialogue_id, error)
            continue
        held = newest.get(dialogue_id)
        # An owner that was cut off may have published late: the log's order is not the versions' order.
        if held is None or not held.position.covers(record.position) or record.version > held.version:
            newest[dialogue_id] = record
    return newest
