"""The store in memory: records of one process, for `analyze` and for tests."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TypeVar
from uuid import uuid4

from engine.clock import Clock, SystemClock
from engine.state.base import Loaded, OpenDialogue
from schemas.record import DialogueRecord, Position

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Expiring = tuple[_Value, float]
"""A value and the time, in seconds, at which it is gone."""


class MemoryStore:
    """Records, attempts and the epoch behind one lock; several workers of a process may share it."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._records: dict[str, _Expiring[DialogueRecord]] = {}
        self._attempts: dict[Position, _Expiring[int]] = {}
        self._epoch: str | None = None

    def load(self, dialogue_ids: Sequence[str], *, attempts_of: Sequence[Position] = ()) -> Loaded:
        """Read records, attempts and the epoch."""
        with self._lock:
            records = {name: found for name in dialogue_ids if (found := self._live(self._records, name)) is not None}
            attempts = {position: self._live(self._attempts, position) or 0 for position in attempts_of}
            return Loaded(records=records, attempts=attempts, epoch=self._epoch)

    def commit(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> frozenset[str]:
        """Write each record whose stored version is the one before its own; return the ids of the others."""
        with self._lock:
            refused = frozenset(record.dialogue_id for record in records if not self._may_follow(record))
            self._write([record for record in records if record.dialogue_id not in refused], ttl_s)
            return refused

    def restore(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> None:
        """Write each record unless the stored version is its own or newer."""
        with self._lock:
            self._write([record for record in records if self._version(record) < record.version], ttl_s)

    def drop(self, dialogue_ids: Sequence[str]) -> Mapping[str, bool]:
        """Erase records; says which existed."""
        with self._lock:
            existed = {name: self._live(self._records, name) is not None for name in dialogue_ids}
            for name in dialogue_ids:
                self._records.pop(name, None)
            return existed

    def open_dialogues(self, *, updated_before_s: float, most: int) -> Sequence[OpenDialogue]:
        """Open dialogues not written since then, longest silent first."""
        with self._lock:
            live = [found for name in self._records if (found := self._live(self._records, name)) is not None]
        silent = [
            OpenDialogue(dialogue_id=record.dialogue_id, updated_s=record.updated_s, version=record.version)
            for record in live
            if record.status == "open" and record.updated_s < updated_before_s
        ]
        return tuple(sorted(silent, key=lambda dialogue: (dialogue.updated_s, dialogue.dialogue_id))[:most])

    def count_attempt(self, position: Position, *, ttl_s: float) -> int:
        """Note that a segment is begun alone; returns how often that has happened now."""
        with self._lock:
            count = (self._live(self._attempts, position) or 0) + 1
            self._attempts[position] = count, self._clock.wall_s() + ttl_s
            return count

    def clear_attempts(self, positions: Sequence[Position]) -> None:
        """Forget the attempts of segments that are done."""
        with self._lock:
            for position in positions:
                self._attempts.pop(position, None)

    def begin_epoch(self) -> str:
        """Give the store an id if it has none; returns the one it has."""
        with self._lock:
            if self._epoch is None:
                self._epoch = uuid4().hex
            return self._epoch

    def close(self) -> None:
        """Nothing to free."""

    def _may_follow(self, record: DialogueRecord) -> bool:
        written = self._live(self._records, record.dialogue_id) == record
        return written or self._version(record) == record.version - 1

    def _version(self, record: DialogueRecord) -> int:
        stored = self._live(self._records, record.dialogue_id)
        return stored.version if stored is not None else 0

    def _write(self, records: Sequence[DialogueRecord], ttl_s: float) -> None:
        gone_s = self._clock.wall_s() + ttl_s
        self._records.update({record.dialogue_id: (record, gone_s) for record in records})

    def _live(self, entries: Mapping[_Key, _Expiring[_Value]], key: _Key) -> _Value | None:
        value, gone_s = entries.get(key, (None, 0.0))
        return value if self._clock.wall_s() < gone_s else None
