"""What comes out of the engine, shown as it comes and kept."""

import logging
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from engine.transport.base import Incoming
    from schemas.events import AlertEvent, DialogueEvent, EmotionEvent

Told = TypeVar("Told", "EmotionEvent", "AlertEvent")


class Hearing:
    """Shows turns and alerts as a table or as JSON, and dead letters as sentences on the error stream.

    only: the dialogue that is of interest; None: all of them.
    silent: turns are kept and not shown.
    """

    def __init__(self, *, json: bool, only: str | None = None, silent: bool = False) -> None:
        from rich.console import Console

        from actors.cli.table import TurnTable

        self.console = Console()
        self.events: list[EmotionEvent] = []
        self.alerts: list[AlertEvent] = []
        self.failures: list[str] = []
        """What could not be worked on, a sentence each."""
        self.ended: set[str] = set()
        """Dialogues that are over."""
        self._json = json
        self._only = only
        self._silent = silent
        self._table = TurnTable(self.console)

    def __call__(self, record: "Incoming") -> None:
        """Hear one record of turns, alerts, dialogues or dead letters."""
        from schemas.events import AlertEvent, DialogueEvent, EmotionEvent
        from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES

        if record.value is None or (self._only is not None and record.key != self._only):
            return
        if record.position.topic == DEAD_LETTERS:
            self._fail(record)
        elif record.position.topic == DIALOGUES:
            self._hear_of_life(DialogueEvent.model_validate_json(record.value))
        elif record.position.topic == ALERTS:
            self.alerts.append(AlertEvent.model_validate_json(record.value))
            self._show(self.alerts[-1], record.value)
        else:
            self.events.append(EmotionEvent.model_validate_json(record.value))
            self._show(self.events[-1], record.value)

    def _show(self, event: "EmotionEvent | AlertEvent", value: bytes) -> None:
        if self._silent:
            return
        if self._json:
            typer.echo(value)
        else:
            self._table.show(event)

    def _hear_of_life(self, event: "DialogueEvent") -> None:
        if event.status in {"ended", "failed"}:
            self.ended.add(event.dialogue_id)
        if event.status == "merged":
            # What was heard under the id that is gone is the other's from now on, in what is written at the end too.
            self.events = [_renamed(turn, event) for turn in self.events]
            self.alerts = [_renamed(alert, event) for alert in self.alerts]
            typer.secho(f"{event.dialogue_id}: {event.speaker} turned out to be {event.into}", fg="yellow", err=True)

    def _fail(self, record: "Incoming") -> None:
        error = dict(record.headers).get("turntone_error", b"").decode(errors="replace")
        self.failures.append(f"dead letter of {record.key}: {error}")
        typer.secho(self.failures[-1], fg="red", err=True)


def _renamed(told: Told, merge: "DialogueEvent") -> Told:
    if (told.dialogue_id, told.speaker) != (merge.dialogue_id, merge.speaker):
        return told
    return told.model_copy(update={"speaker": merge.into})


def quiet_engine() -> None:
    """Leave it to events and dead letters to say what became of a segment, where the engine runs in this process."""
    logging.getLogger("engine").setLevel(logging.ERROR)
