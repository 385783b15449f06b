"""The workers of a stack: one a slot, one more kept warm, and who takes the place of one that died."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import count, islice
from typing import Protocol

from actors.progress import Progress, Step
from engine.clock import Clock
from engine.config import Config
from engine.errors import CheckpointError, ConfigurationError, SnapshotMismatch, Unavailable
from engine.metrics import Reading

NO_USE = (ConfigurationError, CheckpointError, SnapshotMismatch)
"""Errors that another worker would meet too: a person has to put something right."""
SETTLED_S = 30.0
"""A worker that has lived so long did not die of how it was started."""
LONGEST_WAIT_S = 15.0
_READING_S = 2.0

_log = logging.getLogger(__name__)


class Hand(Protocol):
    """A worker in a process of its own. Its calls return at once; what they bring comes later."""

    def warm(self) -> Future[int]:
        """Its process id, once it is warm."""
        ...

    def serve(self, slot: str, config: Config) -> Future[None]:
        """Done when it has drained; an exception when its loop or its process has ended otherwise."""
        ...

    def drain(self) -> None:
        """Ask it to finish and leave."""
        ...

    def reading(self) -> Future[Reading]:
        """Its figures."""
        ...

    def dismiss(self) -> None:
        """End its process."""
        ...


@dataclass(slots=True)
class _Slot:
    name: str
    hand: Hand | None = None
    served: Future[None] | None = None
    began_s: float = 0.0
    due_s: float = 0.0
    """When an empty slot is filled again."""
    early_deaths: int = 0
    leaving: bool = False
    """It drains and is not filled again."""


class Crew:
    """Keeps every slot filled. Called from one thread, but for `want`, `reading` and `pids`.

    The name of a slot is a member's name in the group: whoever takes it over gets the partitions of the one that died,
    without a rebalance and without waiting for its session to end.
    """

    def __init__(
        self, *, hire: Callable[[], Hand], slots: Sequence[str], standby: bool, clock: Clock, progress: Progress
    ) -> None:
        self._hire = hire
        self._slots = [_Slot(name) for name in slots]
        self._wanted = len(self._slots)
        self._with_standby = standby
        self._standby: Hand | None = None
        self._clock = clock
        self._progress = progress
        self._config: Config | None = None

    def hire(self) -> None:
        """Have every worker get warm, before there is anything to serve."""
        for slot in self._slots:
            slot.hand = self._hire()

    def begin(self, config: Config, *, warm_s: float) -> None:
        """Fill the slots. `config` has the servers' addresses. Raises what kept a worker from getting warm."""
        self._config = config
        for slot in self._slots:
            began_s = self._clock.monotonic_s()
            self._progress(Step(slot.name, "starting"))
            self._serve(slot)
            if slot.hand is not None:
                _warmed(slot, slot.hand, timeout_s=warm_s)
            self._progress(Step(slot.name, "ready", self._clock.monotonic_s() - began_s))
        self._keep_standby()

    def want(self, slots: int) -> None:
        """Have so many slots from the next `look_after` on; may be called from any thread."""
        self._wanted = slots

    def look_after(self, *, timeout_s: float) -> None:
        """Wait until a worker has ended, `timeout_s` at the most, and fill what is empty.

        Raises an error of `NO_USE` that a worker ended with.
        """
        wait([slot.served for slot in self._slots if slot.served], timeout=timeout_s, return_when=FIRST_COMPLETED)
        for slot in self._slots:
            if slot.leaving and (slot.served is None or slot.served.done()):
                self._leave(slot)
                continue
            if slot.served is not None and slot.served.done():
                self._bury(slot, slot.served.exception())
            if slot.served is None and self._clock.monotonic_s() >= slot.due_s:
                self._serve(slot)
        self._resize()
        self._keep_standby()

    def drain(self, *, timeout_s: float) -> None:
        """Have all of them finish and leave; who has not within `timeout_s` is ended where it stands."""
        hands = [slot.hand for slot in self._slots if slot.hand is not None]
        for hand in hands:
            hand.drain()
        wait([slot.served for slot in self._slots if slot.served], timeout=timeout_s)
        for hand in (*hands, *([self._standby] if self._standby else ())):
            hand.dismiss()
        self._standby = None
        for slot in self._slots:
            slot.hand = slot.served = None

    def reading(self) -> Reading:
        """The figures of all living workers together."""
        futures = [hand.reading() for slot in self._slots if (hand := slot.hand) is not None]
        done, _ = wait(futures, timeout=_READING_S)
        return sum((one.result() for one in done if one.exception() is None), Reading())

    def pids(self) -> dict[str, int]:
        """The process of each filled slot that is warm."""
        warm = {slot.name: hand.warm() for slot in self._slots if (hand := slot.hand) is not None}
        wait(warm.values(), timeout=_READING_S)
        return {name: one.result() for name, one in warm.items() if one.done() and one.exception() is None}

    def _serve(self, slot: _Slot) -> None:
        if self._config is None:
            return
        if slot.hand is None:
            slot.hand, self._standby = self._standby or self._hire(), None
        slot.began_s = self._clock.monotonic_s()
        slot.served = slot.hand.serve(slot.name, self._config)

    def _resize(self) -> None:
        staying = [slot for slot in self._slots if not slot.leaving]
        taken = {slot.name for slot in self._slots}
        free = (name for number in count() if (name := f"worker-{number}") not in taken)
        for name in islice(free, max(0, self._wanted - len(staying))):
            self._progress(Step(name, "starting"))
            slot = _Slot(name)
            self._serve(slot)
            self._slots = [*self._slots, slot]
        for slot in staying[self._wanted :]:
            self._progress(Step(slot.name, "stopping"))
            slot.leaving = True
            if slot.hand is not None:
                slot.hand.drain()

    def _leave(self, slot: _Slot) -> None:
        if slot.hand is not None:
            slot.hand.dismiss()
        self._slots = [other for other in self._slots if other is not slot]
        self._progress(Step(slot.name, "stopped"))

    def _bury(self, slot: _Slot, error: BaseException | None) -> None:
        if isinstance(error, NO_USE):
            raise error
        now_s = self._clock.monotonic_s()
        _log.warning("worker %s ended, another takes its place: %s", slot.name, error)
        self._progress(Step(slot.name, "restarted", now_s - slot.began_s, note=str(error).partition("\n")[0]))
        if slot.hand is not None:
            slot.hand.dismiss()
        slot.hand = slot.served = None
        slot.early_deaths = slot.early_deaths + 1 if now_s - slot.began_s < SETTLED_S else 0
        # The first death of a kind costs no time; what dies as soon as it starts is not started in a circle.
        wait_s = 0.0 if slot.early_deaths < 2 else min(2.0 ** (slot.early_deaths - 2), LONGEST_WAIT_S)
        slot.due_s = now_s + wait_s

    def _keep_standby(self) -> None:
        if self._with_standby and self._standby is None and all(slot.served for slot in self._slots):
            self._standby = self._hire()


def _warmed(slot: _Slot, hand: Hand, *, timeout_s: float) -> None:
    try:
        hand.warm().result(timeout=timeout_s)
    except TimeoutError:
        raise Unavailable(f"{slot.name} was not ready within {timeout_s:.0f} s; is the machine too busy?") from None
