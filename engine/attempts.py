"""Who has to run alone, and how often it was begun so: how a poisoned segment is told from its neighbours.

A worker that dies says nothing of why. So a segment's attempt is counted before it is begun, in the store, and only
when it is begun alone: nobody else can be to blame. What is left to find out is whom to run alone after a death in
company. Marking every member of every wave would cost each wave a round trip more; instead an owner counts once, under
a mark of the offset a partition's first record has, that it began there. Who finds the mark at two knows that an owner
began at the same offset, and never got past it, nor handed over in order: its first new segments run alone, as many as
a wave may hold. A healthy one among them is done and moves the offset; the poisoned one dies alone, and is counted.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from engine.state.base import Store
from engine.transport.base import Partition
from schemas.record import Position


class Begun(Protocol):
    """A segment that is about to step."""

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was begun alone before."""
        ...


class Attempts:
    """Counts beginnings; knows the suspects of the partitions its worker owns."""

    def __init__(self, *, store: Store, most: int, wave_most: int, ttl_s: float) -> None:
        self.most = most
        self._store = store
        self._wave_most = wave_most
        self._ttl_s = ttl_s
        self._marks: dict[Partition, Position] = {}
        self._wary: dict[Partition, int] = {}
        self._suspects: set[Position] = set()
        self._begun: dict[Position, int] = {}

    def enter(self, first: Position) -> None:
        """A partition's first record has come to a new owner."""
        mark = Position(topic=f"begun:{first.topic_id or first.topic}", partition=first.partition, offset=first.offset)
        partition = (first.topic, first.partition)
        self._marks[partition] = mark
        if self._store.count_attempt(mark, ttl_s=self._ttl_s) > 1:
            self._wary[partition] = self._wave_most

    def leave(self, partitions: Iterable[Partition]) -> None:
        """Partitions are handed over in order: the next owner has nothing to suspect."""
        left = [partition for partition in partitions if partition in self._marks]
        positions = [position for position in self._begun if (position.topic, position.partition) in left]
        if left:
            self._store.clear_attempts([*positions, *(self._marks[partition] for partition in left)])
        self.lose(left)

    def lose(self, partitions: Collection[Partition]) -> None:
        """Partitions were taken away: their next owner may suspect what it likes."""
        for partition in partitions:
            self._marks.pop(partition, None)
            self._wary.pop(partition, None)
        self._suspects = {one for one in self._suspects if (one.topic, one.partition) not in partitions}
        self._begun = {
            one: number for one, number in self._begun.items() if (one.topic, one.partition) not in partitions
        }

    def suspect(self, position: Position) -> None:
        """It failed in company: the next time it runs alone."""
        self._suspects.add(position)

    def alone(self, one: Begun) -> bool:
        """Whether a segment has to run alone."""
        partition = (one.position.topic, one.position.partition)
        if one.position not in self._suspects and (one.attempts or self._wary.get(partition)):
            self._suspects.add(one.position)
            self._wary[partition] = max(0, self._wary.get(partition, 0) - 1)
        return one.position in self._suspects

    def spent(self, one: Begun) -> bool:
        """Whether it was begun alone as often as may be, and no worker has lived to tell."""
        return one.position not in self._begun and one.attempts >= self.most

    def begin(self, one: Begun) -> int:
        """It begins alone, for so many times now. A server that was away gives it the same attempt again."""
        if one.position not in self._begun:
            self._begun[one.position] = self._store.count_attempt(one.position, ttl_s=self._ttl_s)
        return self._begun[one.position]

    def failed(self, position: Position) -> None:
        """The attempt is over; the next one counts anew."""
        self._begun.pop(position, None)

    def conclude(self, positions: Iterable[Position]) -> None:
        """Segments are done, and suspects no more."""
        cleared = [position for position in positions if position in self._suspects]
        if cleared:
            self._store.clear_attempts(cleared)
        for position in cleared:
            self._suspects.discard(position)
            self._begun.pop(position, None)
