"""Turns as rows of a table, a line each as they come: one rendering for every command."""

from collections.abc import Sequence

from rich.cells import set_cell_size
from rich.console import Console
from rich.text import Text

from schemas.events import AlertEvent, EmotionEvent

_COLUMNS: Sequence[tuple[str, int]] = (
    ("time", 8),
    ("dialogue", 16),
    ("turn", 4),
    ("speaker", 11),
    ("role", 9),
    ("label", 16),
    ("conf", 4),
    ("voice/face", 10),
    ("note", 13),
)
_STYLES = {
    "neutral": "white",
    "joy": "bold yellow",
    "surprise": "bold magenta",
    "anger": "bold red",
    "sadness": "bold blue",
    "disgust": "bold green",
    "fear": "bold cyan",
}

_SEVERITIES = {"info": "cyan", "warning": "yellow", "critical": "bold red"}


class TurnTable:
    """Prints turns on a console, under one header, and alerts between them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun = False

    def show(self, event: EmotionEvent | AlertEvent) -> None:
        """Print one turn, or one alert."""
        if not self._begun:
            names = " ".join(set_cell_size(name, width) for name, width in _COLUMNS)
            self._console.print(Text(names.rstrip(), style="bold underline"), soft_wrap=True)
            self._begun = True
        self._console.print(row(event) if isinstance(event, EmotionEvent) else alert_line(event), soft_wrap=True)


def row(event: EmotionEvent) -> Text:
    """A turn as one line of at most 100 columns; only the note is longer where there is more to say."""
    cells = (
        clock_time(event.end_s),
        _short(event.dialogue_id, 16),
        "-" if event.turn is None else str(event.turn),
        _short(event.speaker or "-", 11),
        _short(event.role or "-", 9),
        label(event),
        "" if event.confidence is None else f"{event.confidence:.2f}",
        "" if event.weights is None else f"{event.weights.audio:.2f}/{event.weights.video:.2f}",
    )
    text = Text()
    for (name, width), cell in zip(_COLUMNS, cells, strict=False):
        style = _STYLES.get(event.label or "", "dim") if name == "label" else ""
        text.append(set_cell_size(cell, width), style=style)
        text.append(" ")
    text.append(_short(note(event), 13), style="dim")
    text.rstrip()
    return text


def alert_line(alert: AlertEvent) -> Text:
    """An alert as one line, in the columns of time and dialogue and a sentence after them."""
    cells = (clock_time(alert.evidence[-1].end_s), _short(alert.dialogue_id, 16))
    text = Text(style=_SEVERITIES[alert.severity])
    for (_, width), cell in zip(_COLUMNS, cells, strict=False):
        text.append(set_cell_size(cell, width) + " ")
    text.append(f"{alert.severity}: {alert.rule}, {alert.speaker}, {_turns(alert)}")
    return text


def label(event: EmotionEvent) -> str:
    """The label, or why there is none."""
    if event.label is not None:
        return event.label
    if event.abstained == "withheld":
        return f"withheld ({_short(event.policy.role or 'unknown', 5)})"
    return (event.abstained or "no label").replace("_", " ")


def note(event: EmotionEvent) -> str:
    """What else is worth a word, the weightiest first."""
    notes = []
    if event.revision:
        notes.append("revised")
    if event.late:
        notes.append("late")
    if event.overlap:
        notes.append("overlap")
    if event.state.status == "restarted":
        notes.append("restarted")
    if event.abstained is None and not event.modalities.audio:
        notes.append("no voice")
    if event.abstained is None and not event.modalities.video:
        notes.append("no face")
    return ", ".join(notes)


def clock_time(seconds: float) -> str:
    """Minutes, seconds and tenths of the dialogue."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest / 10:04.1f}"


def _turns(alert: AlertEvent) -> str:
    numbers = [str(turn.turn) for turn in alert.evidence]
    return f"turn{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
