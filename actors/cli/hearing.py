"""What comes out of the engine, shown as it comes and kept."""

import logging
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from engine.transport.base import Incoming
    from schemas.events import EmotionEvent


class Hearing:
    """Shows turns as a table or as JSON, and dead letters as sentences on the error stream.

    only: the dialogue that is of interest; None: all of them.
    """

    def __init__(self, *, json: bool, only: str | None = None) -> None:
        from rich.console import Console

        from actors.cli.table import TurnTable

        self.console = Console()
        self.events: list[EmotionEvent] = []
        self.failures = 0
        self.ended: set[str] = set()
        """Dialogues that are over."""
        self.merges: dict[tuple[str, str], str] = {}
        """Whose voice an id of a dialogue turned out to be."""
        self._json = json
        self._only = only
        self._table = TurnTable(self.console)

    def __call__(self, record: "Incoming") -> None:
        """Hear one record of turns, dialogues or dead letters."""
        from schemas.events import DialogueEvent, EmotionEvent
        from schemas.topics import DEAD_LETTERS, DIALOGUES

        if record.value is None or (self._only is not None and record.key != self._only):
            return
        if record.position.topic == DEAD_LETTERS:
            self._fail(record)
        elif record.position.topic == DIALOGUES:
            word = DialogueEvent.model_validate_json(record.value)
            if word.status == "merged" and word.speaker is not None and word.into is not None:
                self.merges[word.dialogue_id, word.speaker] = word.into
                typer.echo(f"{word.dialogue_id}: {word.speaker} turned out to be {word.into}", err=True)
            elif word.status != "started":
                self.ended.add(record.key or "")
        else:
            event = EmotionEvent.model_validate_json(record.value)
            self.events.append(event)
            if self._json:
                typer.echo(record.value)
            else:
                self._table.show(event)

    def _fail(self, record: "Incoming") -> None:
        self.failures += 1
        error = dict(record.headers).get("turntone_error", b"").decode(errors="replace")
        typer.secho(f"dead letter of {record.key}: {error}", fg="red", err=True)


def quiet_engine() -> None:
    """Leave it to events and dead letters to say what became of a segment, where the engine runs in this process."""
    logging.getLogger("engine").setLevel(logging.ERROR)
