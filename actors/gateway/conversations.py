"""The dialogues as they stand now: a bounded view of what was heard, newest last."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from actors.gateway.answers import Status
from actors.gateway.told import Told
from schemas.cloudevents import read_attributes
from schemas.events import AlertEvent, DialogueEvent, EmotionEvent
from schemas.labels import Emotion
from schemas.segment import Recording

_LOOK_BACK = 64
"""Turns among which one that is said again is looked for: only the last ones of a dialogue ever are."""
_MOST_ALERTS = 100
"""Of one dialogue; the newest are kept."""


@dataclass(slots=True)
class Conversation:
    """One dialogue: its turns as they were last said, and the last word on its life."""

    dialogue_id: str
    status: Status = "open"
    life: DialogueEvent | None = None
    """The last event of its life cycle."""
    turns: list[EmotionEvent] = field(default_factory=list)
    """In order; a revision stands in the place of the turn it says again."""
    recording: Recording | None = None
    """What is played, where it is said to be a recording."""
    began_s: float | None = None
    """When it started, seconds since 1970."""
    left_out: int = 0
    """Older turns that are kept no more."""
    before: dict[str, Emotion | None] = field(default_factory=dict)
    """By the id of an event that says a turn again, the label the turn had before."""
    alerts: deque[AlertEvent] = field(default_factory=lambda: deque(maxlen=_MOST_ALERTS))
    """In order."""

    def hear(self, event: EmotionEvent) -> None:
        """Take in a turn, or say one again."""
        for place in range(len(self.turns) - 1, max(-1, len(self.turns) - 1 - _LOOK_BACK), -1):
            known = self.turns[place]
            # A number alone may be that of a turn before the dialogue ended and was opened again.
            if event.turn is not None and (known.turn, known.start_s) == (event.turn, event.start_s):
                if event.revision > known.revision:
                    self.turns[place] = event
                    self.before[event.event_id] = known.label
                return
            if known.event_id == event.event_id:
                return
        self.turns.append(event)

    def alert(self, event: AlertEvent) -> None:
        """Take in a rule that fired."""
        if all(known.event_id != event.event_id for known in self.alerts):
            self.alerts.append(event)

    def live(self, event: DialogueEvent, *, at_s: float | None) -> None:
        """Take in what became of it, and when."""
        if event.status == "merged":
            self.turns = [
                turn.model_copy(update={"speaker": event.into}) if turn.speaker == event.speaker else turn
                for turn in self.turns
            ]
            return
        if event.status == "started":
            self.recording, self.began_s = event.recording, at_s
        self.life = event
        self.status = "open" if event.status == "started" else event.status


class Conversations:
    """Every dialogue that was heard of, until there is no more room. Used from one event loop.

    room: turns in all; a dialogue counts as one more. The dialogues that were silent longest go first.
    """

    def __init__(self, *, room: int) -> None:
        self._room = room
        self._size = 0
        self._known: OrderedDict[str, Conversation] = OrderedDict()

    def hear(self, told: Told) -> None:
        """Take in an event; what cannot be read is passed over."""
        try:
            event = _READ[told.kind].model_validate_json(told.value)
        except ValidationError:
            return
        conversation = self._known.get(told.dialogue_id)
        if conversation is None:
            conversation = self._known[told.dialogue_id] = Conversation(told.dialogue_id)
            self._size += 1
        self._known.move_to_end(told.dialogue_id)
        before = len(conversation.turns)
        if isinstance(event, EmotionEvent):
            conversation.hear(event)
        elif isinstance(event, AlertEvent):
            conversation.alert(event)
        else:
            conversation.live(event, at_s=_time_s(told))
        self._size += len(conversation.turns) - before
        self._make_room()

    def newest(self) -> Sequence[Conversation]:
        """All of them, the one heard of last first."""
        return list(reversed(self._known.values()))

    def of(self, dialogue_id: str) -> Conversation | None:
        """One dialogue; None for one that is not known, or not any more."""
        return self._known.get(dialogue_id)

    def _make_room(self) -> None:
        while self._size > self._room:
            oldest = next(iter(self._known.values()))
            if len(self._known) > 1:
                del self._known[oldest.dialogue_id]
                self._size -= len(oldest.turns) + 1
            else:
                oldest.before.pop(oldest.turns.pop(0).event_id, None)
                oldest.left_out += 1
                self._size -= 1


def _time_s(told: Told) -> float | None:
    try:
        return datetime.fromisoformat(read_attributes(told.headers)["time"]).timestamp()
    except (KeyError, ValueError):
        return None


_READ: dict[str, type[EmotionEvent] | type[DialogueEvent] | type[AlertEvent]] = {
    "turn": EmotionEvent,
    "dialogue": DialogueEvent,
    "alert": AlertEvent,
}
