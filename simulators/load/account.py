"""What was sent under a load and what came of it: answered, lost, told twice, out of order, given up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from schemas.events import EmotionEvent
from simulators.load.faults import Fault

NOT_ANSWERED: Sequence[Fault] = ("garbage", "late")
"""Faults whose answer is a dead letter."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An utterance that an answer is expected to."""

    dialogue_id: str
    speaker: str
    start_s: float
    """Seconds in the dialogue."""
    end_s: float
    ended_s: float
    """When it was over, in seconds of the load."""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How long an answer took."""

    latency_s: float
    """From the end of the utterance."""
    withheld: bool
    stages_ms: Mapping[str, float] | None
    """Where that is told with the event."""


@dataclass(slots=True)
class _Entry:
    sent: Sent
    acknowledged: bool = False
    answers: set[str] = field(default_factory=set)
    dead: bool = False

    @property
    def settled(self) -> bool:
        return bool(self.answers) or self.dead


@dataclass(frozen=True, slots=True)
class _Turn:
    event: EmotionEvent
    at_s: float
    stages_ms: Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The counts of a load. Without dead letters to be read, nothing is known of what only they answer."""

    sent: int
    """Utterances that were acknowledged."""
    answered: int
    """Of those, with a turn."""
    lost: int
    """Of those, with neither a turn nor a dead letter."""
    unheard: int
    """The same, where nobody waited long enough to call it lost."""
    given_up: int
    """Utterances without a fault that became dead letters."""
    unacknowledged: int
    """Utterances that were never acknowledged: not sent, for all that is known."""
    twice: int
    """Turns told again, or a second turn for one segment."""
    out_of_order: int
    """Turns with a number that is not above the last of their dialogue."""
    unexpected: int
    """Turns that answer nothing that was sent."""
    outcomes: Mapping[str, int]
    """Turns by label or by why there is none."""
    faults: Mapping[Fault, Mapping[str, int]]
    """For each kind: sent, with a turn, with a dead letter."""


class Account:
    """Keeps the books of one load. Used from one thread.

    one_each: a segment is an utterance, so that a second turn of it is one too many. A live stream is cut by the
    gateway instead: there one turn may answer several utterances, and several turns one.
    dead_letters: whether they can be read.
    """

    def __init__(self, *, one_each: bool, dead_letters: bool) -> None:
        self._one_each = one_each
        self._dead_letters = dead_letters
        self._entries: dict[tuple[str, str], list[_Entry]] = {}
        self._events: set[str] = set()
        self._last_turn: dict[str, int] = {}
        self._early: list[_Turn] = []
        self._counts: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self.answers: list[Answered] = []

    def expect(self, sent: Sent) -> None:
        """An utterance is on its way, or over: of a live stream a turn may have come before its end."""
        self._entries.setdefault((sent.dialogue_id, sent.speaker), []).append(_Entry(sent))
        early, self._early = self._early, []
        for turn in early:
            self._match(turn)

    def acknowledge(self, sent: Sent) -> None:
        """It is safe on the other side."""
        for entry in self._overlapping(sent.dialogue_id, sent.speaker, sent.start_s, sent.end_s):
            entry.acknowledged |= entry.sent == sent

    def hear(self, event: EmotionEvent, *, at_s: float, stages_ms: Mapping[str, float] | None = None) -> None:
        """A turn was told; `at_s` in seconds of the load."""
        if event.event_id in self._events:
            self._counts["twice"] += 1
            return
        self._events.add(event.event_id)
        if event.revision:
            return
        if event.turn is not None:
            self._counts["out of order"] += event.turn <= self._last_turn.get(event.dialogue_id, -1)
            self._last_turn[event.dialogue_id] = max(event.turn, self._last_turn.get(event.dialogue_id, -1))
        self._outcomes[event.label or event.abstained or "no label"] += 1
        self._match(_Turn(event, at_s, stages_ms))

    def bury(self, dialogue_id: str, speaker: str, start_s: float, end_s: float) -> None:
        """A segment became a dead letter."""
        for entry in self._overlapping(dialogue_id, speaker, start_s, end_s):
            entry.dead = True

    @property
    def waiting(self) -> int:
        """Utterances that something may still be told of."""
        return sum(self._unsettled(entry) or not entry.acknowledged for entry in self._all())

    def balance(self, *, heard_out: bool = True) -> Balance:
        """The counts as they stand; `heard_out`: what has not come by now will not come any more."""
        entries = [entry for entry in self._all() if entry.acknowledged]
        faults: dict[Fault, dict[str, int]] = {}
        for entry in entries:
            if entry.sent.fault is not None:
                counts = faults.setdefault(entry.sent.fault, {"sent": 0, "answered": 0, "dead_letters": 0})
                counts["sent"] += 1
                counts["answered"] += bool(entry.answers)
                counts["dead_letters"] += entry.dead
        missing = sum(self._unsettled(entry) for entry in entries)
        return Balance(
            sent=len(entries),
            answered=sum(bool(entry.answers) for entry in entries),
            lost=missing if heard_out else 0,
            unheard=0 if heard_out else missing,
            given_up=sum(entry.dead and entry.sent.fault not in NOT_ANSWERED for entry in entries),
            unacknowledged=len(list(self._all())) - len(entries),
            twice=self._counts["twice"],
            out_of_order=self._counts["out of order"],
            unexpected=len(self._early),
            outcomes=dict(self._outcomes),
            faults=faults,
        )

    def _match(self, turn: _Turn) -> None:
        """Give a turn to what it answers."""
        event = turn.event
        found = self._overlapping(event.dialogue_id, event.speaker or "", event.start_s, event.end_s)
        if not found:
            self._early.append(turn)
            return
        again = any(entry.answers for entry in found)
        self._counts["twice"] += self._one_each and again
        if not (self._one_each and again):
            last = max(found, key=lambda entry: entry.sent.ended_s).sent
            # A live stream may be cut within what was planned as one utterance.
            short_s = 0.0 if self._one_each else max(0.0, last.end_s - event.end_s)
            latency_s = turn.at_s - (last.ended_s - short_s)
            self.answers.append(Answered(latency_s, event.abstained == "withheld", turn.stages_ms))
        for entry in found:
            entry.answers.add(event.event_id)
            entry.acknowledged = True

    def _all(self) -> list[_Entry]:
        return [entry for some in self._entries.values() for entry in some]

    def _unsettled(self, entry: _Entry) -> bool:
        return not entry.settled and (self._dead_letters or entry.sent.fault not in NOT_ANSWERED)

    def _overlapping(self, dialogue_id: str, speaker: str, start_s: float, end_s: float) -> list[_Entry]:
        """The utterances of a speaker that share time with a stretch of their dialogue."""
        return [
            entry
            for entry in self._entries.get((dialogue_id, speaker), ())
            if min(end_s, entry.sent.end_s) > max(start_s, entry.sent.start_s)
        ]
