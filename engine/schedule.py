"""Waves: segments of different dialogues that step together, the oldest first, at most one of a dialogue."""

from collections import deque
from dataclasses import dataclass
from heapq import nsmallest
from itertools import count
from typing import Generic, TypeVar

from engine.transport.base import Partition

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    number: int
    partition: Partition
    item: T


class Backlog(Generic[T]):
    """What was read and waits for its wave.

    A dialogue's segments leave in the order they came. Oldest first, so that no dialogue starves and the offset
    below which everything is done keeps moving.
    """

    def __init__(self, *, wave_most: int) -> None:
        self._wave_most = wave_most
        self._numbers = count()
        self._dialogues: dict[str, deque[_Waiting[T]]] = {}

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._dialogues.values())

    def add(self, item: T, *, dialogue_id: str, partition: Partition) -> None:
        """Queue a segment behind the others of its dialogue."""
        waiting = _Waiting(number=next(self._numbers), partition=partition, item=item)
        self._dialogues.setdefault(dialogue_id, deque()).append(waiting)

    def wave(self) -> list[T]:
        """Take the next wave: the first segment of each of at most `wave_most` dialogues."""
        chosen = nsmallest(self._wave_most, self._dialogues, key=lambda dialogue: self._dialogues[dialogue][0].number)
        wave = [self._dialogues[dialogue].popleft().item for dialogue in chosen]
        self._tidy()
        return wave

    def drop(self, partitions: frozenset[Partition]) -> None:
        """Forget the segments of partitions that are another worker's now."""
        for dialogue, waiting in self._dialogues.items():
            self._dialogues[dialogue] = deque(one for one in waiting if one.partition not in partitions)
        self._tidy()

    def _tidy(self) -> None:
        self._dialogues = {dialogue: waiting for dialogue, waiting in self._dialogues.items() if waiting}
