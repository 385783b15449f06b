"""One dialogue on a page: its pictures, its turns as they come, its alerts, and its summary when it has ended."""

from collections.abc import Sequence
from typing import Final

from nicegui import ui

from actors.gateway.conversations import Conversation
from actors.page.areas import HEIGHT, WIDTH, columns, lines, stacked
from actors.page.drawing import draw
from actors.page.position import LANE, position
from actors.page.wording import alarm, sentence, speakers_of
from actors.report.wording import CODES, speaker_of
from engine.clock import Clock
from schemas.events import EmotionEvent
from schemas.labels import EMOTIONS

_MOST_COLUMNS: Final = 80
_MOST_ROWS: Final = 200
_MOST_READ_OUT: Final = 3
_HEADS: Final = (
    "Turn",
    "Time",
    "Speaker",
    "Emotion",
    "Confidence",
    "All seven",
    "Valence",
    "Arousal",
    "Voice / face",
    "Notes",
)
_LETTERS: Final[dict[str, str]] = {**{str(kind): code for kind, code in CODES.items()}, "voice": "Vo", "face": "Fa"}


class DialogueView:
    """Made where its elements are to stand; `show` brings them up to date, and `move` what the time alone moves."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._state = _piece("div")
        self._position = _piece("div")
        # Read out as it comes; what was there before is not.
        self._said = _piece("div").classes("unseen").props('role="log" aria-live="polite" aria-label="New turns"')
        with _section("Alerts"):
            self._alerts = _piece("div")
        with _section("Emotions over the turns"):
            ui.html(draw("legend"), sanitize=False, tag="p").classes("legend")
            self._shares = _piece("div")
        with (
            _section("Turns"),
            ui.element("div").classes("wide").props('tabindex="0" role="region" aria-label="Table of turns"'),
            ui.element("table"),
        ):
            ui.html("The newest turn first", sanitize=False, tag="caption")
            heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
            ui.html(f"<tr>{heads}</tr>", sanitize=False, tag="thead")
            self._body = ui.element("tbody")
        with _section("Valence, arousal, voice and face"):
            self._courses = _piece("div")
        with _section("Summary"):
            self._summary = _piece("div")
        self._rows: dict[str, ui.html] = {}
        self._shown: dict[str, tuple[EmotionEvent, int]] = {}
        self._heard: set[str] = set()
        self._opened = False

    def show(self, conversation: Conversation) -> None:
        """Show a dialogue as it stands."""
        turns = conversation.turns
        speakers = speakers_of(turns)
        self._state.content = draw("state", one=conversation)
        self.move(conversation)
        self._say(conversation)
        self._alerts.content = draw("alerts", alerts=list(reversed(conversation.alerts)), named=False, home="")
        self._draw([turn for turn in turns if turn.turn is not None], speakers)
        for turn in turns[-_MOST_ROWS:]:
            self._row(turn, conversation, speakers.index(speaker_of(turn)) if turn.turn is not None else 0)
        self._summary.content = draw("summary", life=conversation.life)

    def move(self, conversation: Conversation) -> None:
        """Show where the newest turn is, and how far a recording is by now."""
        place = position(conversation, now_s=self._clock.wall_s())
        self._position.content = draw("position", place=place, width=WIDTH, lane=LANE)

    def _say(self, conversation: Conversation) -> None:
        """Read out what is new, but for what was there when the page was opened."""
        last = conversation.turns[-_MOST_ROWS:]
        new = [sentence(turn) for turn in last if turn.event_id not in self._heard]
        alarms = [alarm(alert) for alert in conversation.alerts if alert.event_id not in self._heard]
        if self._opened and (new or alarms):
            self._said.content = draw("said", told=[*new[-_MOST_READ_OUT:], *alarms])
        self._opened = True
        self._heard = {turn.event_id for turn in last} | {alert.event_id for alert in conversation.alerts}

    def _draw(self, turns: Sequence[EmotionEvent], speakers: Sequence[str]) -> None:
        last = turns[-_MOST_COLUMNS:]
        canvas = {"width": WIDTH, "height": HEIGHT, "columns": columns(last), "letters": _LETTERS}
        self._shares.content = draw(
            "shares",
            **canvas,
            cut=len(turns) > len(last),
            found=stacked(last, shares=lambda turn: turn.distribution, kinds=EMOTIONS),
        )
        self._courses.content = draw(
            "courses",
            **canvas,
            speakers=speakers,
            weights=stacked(last, shares=_weights, kinds=("voice", "face")),
            valence=lines(last, value=lambda turn: turn.valence, speakers=speakers),
            arousal=lines(last, value=lambda turn: turn.arousal, speakers=speakers),
            circumplex=any(turn.affect_source == "circumplex" for turn in last),
        )

    def _row(self, turn: EmotionEvent, conversation: Conversation, number: int) -> None:
        key = _key(turn)
        if self._shown.get(key) == (turn, number):
            return
        self._shown[key] = (turn, number)
        cells = draw("turn", turn=turn, number=number, before=conversation.before.get(turn.event_id))
        if key in self._rows:
            self._rows[key].content = cells
            return
        with self._body:
            row = ui.html(cells, sanitize=False, tag="tr").props(f'data-turn="{turn.turn}"')
        row.move(target_index=0)
        self._rows[key] = row
        if len(self._rows) > _MOST_ROWS:
            oldest = next(iter(self._rows))
            self._rows.pop(oldest).delete()
            del self._shown[oldest]


def _key(turn: EmotionEvent) -> str:
    """The same for a turn that is said again, and another one for a dialogue that was opened again."""
    return f"{turn.turn} {turn.start_s}" if turn.turn is not None else turn.event_id


def _weights(turn: EmotionEvent) -> dict[str, float] | None:
    return None if turn.weights is None else {"voice": turn.weights.audio, "face": turn.weights.video}


def _piece(tag: str) -> ui.html:
    """Filled from a template, which escapes every text."""
    return ui.html("", sanitize=False, tag=tag)


def _section(name: str) -> ui.element:
    section = ui.element("section").props(f'aria-label="{name}"')
    with section:
        ui.html(name, sanitize=False, tag="h2")
    return section
