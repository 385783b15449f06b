"""A load on its way: every record at its time whatever became of the ones before, and every answer into the books."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event
from typing import Final

from engine.clock import Clock
from schemas.topics import ENDED_TYPE, STARTED_TYPE
from simulators.load.account import Account
from simulators.load.line import Buried, Line, Told
from simulators.load.wire import Cue, hang_up

_LISTEN_S: Final = 0.2
_AT_ONCE: Final = 32
"""A load that is behind its plan asks for acknowledgements this seldom."""


@dataclass(frozen=True, slots=True)
class Driven:
    """How it went."""

    took_s: float
    """Until the last was sent."""
    behind_ms: tuple[float, ...]
    """How late each record was sent."""
    interrupted: bool
    heard_out: bool
    """Answers were waited for until they came, or until nothing came any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load is."""

    now_s: float
    open_calls: int
    """Calls that have begun and not ended."""


class Drive:
    """Sends one load in open loop: when Turntone is slow, the next record comes all the same.

    line: where it goes. account: what of it is known, by dialogues that begin with `run`. stop: when it is set, calls
    that are open are hung up, and what was sent is still heard out. report: hears of the progress. patience_s: without
    anything told for so long after the end, the rest counts as lost.
    """

    def __init__(
        self,
        *,
        line: Line,
        account: Account,
        clock: Clock,
        run: str,
        stop: Event,
        report: Callable[[Progress], None],
        patience_s: float,
    ) -> None:
        self._line = line
        self._account = account
        self._clock = clock
        self._run = run
        self._stop = stop
        self._report = report
        self._patience_s = patience_s
        self._open: set[str] = set()
        self._began_wall_s = self._began_s = 0.0

    def run(self, cues: Iterable[Cue]) -> Driven:
        """Send everything and hear it out. An interruption while answers are waited for ends that too."""
        self._began_wall_s, self._began_s = self._clock.wall_s(), self._clock.monotonic_s()
        behind_ms: list[float] = []
        for number, cue in enumerate(cues, start=1):
            while (ahead_s := cue.at_s - self._now_s()) > 0 and not self._stop.is_set():
                self._acknowledge()
                self._hear(min(ahead_s, _LISTEN_S))
            if self._stop.is_set():
                break
            behind_ms.append(max(0.0, -ahead_s) * 1000)
            self._send(cue)
            if number % _AT_ONCE == 0:
                self._acknowledge()
        for dialogue_id in sorted(self._open):
            self._send(hang_up(dialogue_id, at_s=self._now_s()))
        took_s = self._now_s()
        self._acknowledge()
        heard_out = self._hear_out()
        return Driven(round(took_s, 1), tuple(behind_ms), self._stop.is_set(), heard_out)

    def _send(self, cue: Cue) -> None:
        due_s = cue.at_s if cue.sent is None else cue.sent.ended_s
        if cue.sent is not None:
            self._account.expect(cue.sent)
        if cue.segment.type == STARTED_TYPE:
            self._open.add(cue.segment.dialogue_id)
        elif cue.segment.type == ENDED_TYPE:
            self._open.discard(cue.segment.dialogue_id)
        self._line.send(cue, due_wall_s=self._began_wall_s + due_s)

    def _acknowledge(self) -> None:
        for sent in self._line.flush():
            self._account.acknowledge(sent)

    def _hear(self, timeout_s: float) -> bool:
        told = [one for one in self._line.hear(timeout_s=timeout_s) if self._is_own(one)]
        for one in told:
            if isinstance(one, Told):
                at_s = one.at_wall_s - self._began_wall_s
                self._account.hear(one.event, at_s=at_s, stages_ms=one.stages_ms)
            else:
                self._account.bury(one.dialogue_id, one.speaker, one.start_s, one.end_s)
        self._report(Progress(self._now_s(), len(self._open)))
        return bool(told)

    def _hear_out(self) -> bool:
        heard_s, stopped = self._now_s(), self._stop.is_set()
        try:
            while self._account.waiting and self._now_s() - heard_s < self._patience_s:
                if self._stop.is_set() != stopped:
                    return False
                if self._hear(_LISTEN_S):
                    heard_s = self._now_s()
                self._acknowledge()
            self._hear(_LISTEN_S)
        except KeyboardInterrupt:
            self._stop.set()
            return False
        return True

    def _is_own(self, one: Told | Buried) -> bool:
        dialogue_id = one.event.dialogue_id if isinstance(one, Told) else one.dialogue_id
        return dialogue_id.startswith(f"{self._run}-")

    def _now_s(self) -> float:
        return self._clock.monotonic_s() - self._began_s
