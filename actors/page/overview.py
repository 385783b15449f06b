"""What is going on now: the dialogues and the newest alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from nicegui import ui

from actors.gateway.answers import Status
from actors.gateway.conversations import Conversation
from actors.page.address import HOME
from actors.page.drawing import draw
from actors.page.wording import speakers_of
from schemas.events import EmotionEvent

_MOST_DIALOGUES: Final = 100
_MOST_ALERTS: Final = 20


@dataclass(frozen=True, slots=True)
class _Line:
    dialogue_id: str
    status: Status
    speakers: Sequence[str]
    turns: int
    last: EmotionEvent | None
    alerts: int
    end_s: float
    length_s: float | None


class Overview:
    """Made where its elements are to stand; `show` brings them up to date."""

    def __init__(self) -> None:
        with ui.element("section").props('aria-label="Dialogues"'):
            ui.html("Dialogues", sanitize=False, tag="h2")
            self._count = ui.html("", sanitize=False, tag="p").props('role="status"')
            self._dialogues = ui.html("", sanitize=False)
        with ui.element("section").props('aria-label="Alerts"'):
            ui.html("Alerts", sanitize=False, tag="h2")
            self._alerts = ui.html("", sanitize=False).props('aria-live="polite"')

    def show(self, newest: Sequence[Conversation]) -> None:
        """Show these dialogues, the one heard of last first."""
        open_now = sum(one.status == "open" for one in newest)
        self._count.content = f"{open_now} open, {len(newest)} in all"
        self._dialogues.content = draw(
            "dialogues", dialogues=[_line(one) for one in newest[:_MOST_DIALOGUES]], home=HOME
        )
        alerts = [alert for one in newest for alert in reversed(one.alerts)]
        self._alerts.content = draw("alerts", alerts=alerts[:_MOST_ALERTS], named=True, home=HOME)


def _line(one: Conversation) -> _Line:
    numbered = [turn for turn in one.turns if turn.turn is not None]
    return _Line(
        dialogue_id=one.dialogue_id,
        status=one.status,
        speakers=speakers_of(numbered),
        turns=len(numbered) + one.left_out,
        last=max(numbered, key=attrgetter("start_s"), default=None),
        alerts=len(one.alerts),
        end_s=max((turn.end_s for turn in numbered), default=0.0),
        length_s=one.recording.duration_s if one.recording else None,
    )
