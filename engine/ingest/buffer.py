"""A bounded buffer between two threads: when it is full the writer waits, or the oldest goes and is counted."""

from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Buffer(Generic[T]):
    """First in, first out; each kind of item has a limit of its own. One thread writes, one reads, any may close it.

    Args:
        limits: how much of each kind is held at most; one item is always taken, however large.
        measure: an item's kind and size.
        waits: a writer waits for room; else the oldest of that kind is dropped.
        dropped: is told, on the writer's thread, of each item that was.
    """

    def __init__(
        self,
        *,
        limits: Mapping[str, float],
        measure: Callable[[T], tuple[str, float]],
        waits: bool,
        dropped: Callable[[T], None],
    ) -> None:
        self._limits = limits
        self._measure = measure
        self._waits = waits
        self._dropped = dropped
        self._items: deque[T] = deque()
        self._held = dict.fromkeys(limits, 0.0)
        self._changed = Condition()
        self._closed = False

    def put(self, item: T) -> bool:
        """Add an item; False: the buffer is closed and did not take it."""
        kind, size = self._measure(item)
        lost: list[T] = []
        with self._changed:
            while not self._closed and self._held[kind] > 0 and self._held[kind] + size > self._limits[kind]:
                if self._waits:
                    self._changed.wait()
                else:
                    lost.append(self._drop_oldest(kind))
            taken = not self._closed
            if taken:
                self._items.append(item)
                self._held[kind] += size
                self._changed.notify_all()
        for one in lost:
            self._dropped(one)
        return taken

    def get(self, *, most: int = 1) -> list[T]:
        """The next items, at least one; none at all: it is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            for item in taken:
                kind, size = self._measure(item)
                self._held[kind] -= size
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Take no more; what is there can still be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _drop_oldest(self, kind: str) -> T:
        place = next(i for i, item in enumerate(self._items) if self._measure(item)[0] == kind)
        item = self._items[place]
        del self._items[place]
        self._held[kind] -= self._measure(item)[1]
        return item
