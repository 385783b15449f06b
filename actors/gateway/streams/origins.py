"""When each open dialogue began: all streams of one, side by side or one after the other, share its clock."""

from collections import OrderedDict
from dataclasses import dataclass

from engine.clock import Clock


@dataclass(slots=True)
class _Known:
    began_s: float
    used_s: float


class Origins:
    """A bounded memory: what is longest unused goes first.

    Args:
        clock: what time is told by.
        idle_s: a dialogue that was not used for so long has ended, and begins anew.
        most: how many are kept.
    """

    def __init__(self, *, clock: Clock, idle_s: float, most: int = 10_000) -> None:
        self._clock = clock
        self._idle_s = idle_s
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def offset_s(self, dialogue_id: str, said_s: float | None) -> float:
        """Where in its dialogue a stream begins that begins now; what the client says itself is believed."""
        now_s = self._clock.monotonic_s()
        known = self._known.get(dialogue_id)
        if known is None or said_s is not None or now_s - known.used_s > self._idle_s:
            known = self._known[dialogue_id] = _Known(now_s - (said_s or 0.0), now_s)
        self.use(dialogue_id)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return round(now_s - known.began_s, 3)

    def use(self, dialogue_id: str) -> None:
        """Something of the dialogue was heard now."""
        known = self._known.get(dialogue_id)
        if known is not None:
            known.used_s = self._clock.monotonic_s()
            self._known.move_to_end(dialogue_id)

    def forget(self, dialogue_id: str) -> None:
        """The dialogue has ended."""
        self._known.pop(dialogue_id, None)
