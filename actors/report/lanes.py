"""Who spoke when, laid out: rows of equal time, in each a lane a speaker, in each lane a box a turn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actors.report.wording import clock, code_of, speaker_of, verdict
from schemas.events import EmotionEvent

WIDTH = 1000.0
"""Units of a row."""
LANE = 26.0
_ROW_S = (30.0, 60.0, 120.0, 300.0, 600.0)
_ROWS_MOST = 15
_LEAST = 1.5
"""Units a box has at least, so that a short word can be seen."""
_LETTERS = 18.0
"""Units from which two letters fit into a box."""


@dataclass(frozen=True, slots=True)
class Box:
    """One turn, or the part of it that lies in a row."""

    turn: int
    x: float
    y: float
    width: float
    kind: str
    """An emotion, `withheld` or `undecided`: the class that colours it."""
    letters: str
    text: str
    """All of it in words."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A speaker in a row."""

    speaker: str
    y: float


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of the recording."""

    name: str
    height: float
    lanes: tuple[Lane, ...]
    boxes: tuple[Box, ...]
    ticks: tuple[tuple[float, str], ...]
    """Where the time is written, and the time."""


def rows(turns: Sequence[EmotionEvent], *, speakers: Sequence[str]) -> tuple[Row, ...]:
    """The turns of one dialogue in rows; `speakers` is the order of the lanes. Rows without a turn are left out."""
    end_s = max((turn.end_s for turn in turns), default=0.0)
    long_s = next((step for step in _ROW_S if end_s <= step * _ROWS_MOST), _ROW_S[-1])
    spans = (range(int(turn.start_s // long_s), math.ceil(turn.end_s / long_s)) for turn in turns)
    numbers = sorted({number for span in spans for number in span})
    return tuple(_row(turns, speakers, start_s=number * long_s, long_s=long_s) for number in numbers)


def kind_of(event: EmotionEvent) -> str:
    """The class that colours a turn."""
    return event.label or ("withheld" if event.abstained == "withheld" else "undecided")


def _row(turns: Sequence[EmotionEvent], speakers: Sequence[str], *, start_s: float, long_s: float) -> Row:
    end_s = start_s + long_s
    here = [turn for turn in turns if turn.start_s < end_s and turn.end_s > start_s]
    present = {speaker_of(turn) for turn in here}
    lanes = tuple(Lane(speaker, index * LANE) for index, speaker in enumerate(s for s in speakers if s in present))
    places = {lane.speaker: lane.y for lane in lanes}
    scale = WIDTH / long_s
    return Row(
        name=f"{clock(start_s)} to {clock(end_s)}",
        height=len(lanes) * LANE,
        lanes=lanes,
        boxes=tuple(_box(turn, start_s, end_s, scale=scale, y=places[speaker_of(turn)]) for turn in here),
        ticks=tuple((part * WIDTH / 5, clock(start_s + part * long_s / 5)) for part in range(5)),
    )


def _box(turn: EmotionEvent, start_s: float, end_s: float, *, scale: float, y: float) -> Box:
    x = (max(turn.start_s, start_s) - start_s) * scale
    width = max((min(turn.end_s, end_s) - start_s) * scale - x, _LEAST)
    return Box(
        turn=turn.turn if turn.turn is not None else -1,
        x=round(x, 1),
        y=y,
        width=round(width, 1),
        kind=kind_of(turn),
        letters=code_of(turn) if width >= _LETTERS else "",
        text=f"{clock(turn.start_s)} to {clock(turn.end_s)}, {speaker_of(turn)}: {verdict(turn)}",
    )
