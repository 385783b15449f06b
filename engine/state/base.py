"""The store of dialogue records as a port: load, commit by compare-and-set, drop; one round trip a wave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.record import DialogueRecord, Position


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load brought."""

    records: Mapping[str, DialogueRecord]
    """By dialogue id; a dialogue never seen, expired or forgotten is not in it."""
    attempts: Mapping[Position, int]
    """How often each asked-for segment was begun alone before."""
    epoch: str | None
    """The store's own id, set at first start; None: this store was never used or has lost everything."""


@dataclass(frozen=True, slots=True)
class OpenDialogue:
    """A dialogue that has not ended, as the supervisor's timer sees it."""

    dialogue_id: str
    updated_s: float
    version: int


class Store(Protocol):
    """Dialogue records with versions. Raises `StoreUnavailable` when it does not answer."""

    def load(self, dialogue_ids: Sequence[str], *, attempts_of: Sequence[Position] = ()) -> Loaded:
        """Read records, attempts and the epoch in one round trip. Corrupt bytes raise `SnapshotMismatch`."""
        ...

    def commit(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> frozenset[str]:
        """Write each record if the stored version is `record.version - 1`, in one round trip.

        Keeps the index of open dialogues in step with `status` and `updated_s`. Returns the ids that were NOT
        written because the version had moved: another owner. A record that is already there as given counts as
        written, so that a call whose answer was lost can be made again.
        """
        ...

    def restore(self, records: Sequence[DialogueRecord], *, ttl_s: float) -> None:
        """Write each record unless the store holds the same or a newer version: the rebuild from snapshots."""
        ...

    def drop(self, dialogue_ids: Sequence[str]) -> Mapping[str, bool]:
        """Erase records and their place in the index; says which existed."""
        ...

    def open_dialogues(self, *, updated_before_s: float, most: int) -> Sequence[OpenDialogue]:
        """Open dialogues not written since then, longest silent first."""
        ...

    def count_attempt(self, position: Position, *, ttl_s: float) -> int:
        """Note that a segment is begun alone; returns how often that has happened now."""
        ...

    def clear_attempts(self, positions: Sequence[Position]) -> None:
        """Forget the attempts of segments that are done."""
        ...

    def begin_epoch(self) -> str:
        """Give the store an id if it has none; returns the one it has. First writer wins."""
        ...

    def close(self) -> None:
        """Free the connection."""
        ...
