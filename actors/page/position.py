"""Where in a dialogue its newest turn is: the turns on an axis of time, and how far a recording has been played."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.gateway.conversations import Conversation
from actors.page.areas import WIDTH
from actors.page.wording import speakers_of
from actors.report.lanes import kind_of
from actors.report.wording import clock, speaker_of
from schemas.events import EmotionEvent

LANE: Final = 16.0
_MOST_LANES: Final = 6
_MOST_TURNS: Final = 400
_LEAST: Final = 2.0
"""Units a turn has at least, so that a short word can be seen."""
_PARTS: Final = 4
"""Into which the written times divide the axis."""
_LEAST_S: Final = 10.0
"""Of an axis that nobody knows the end of."""


@dataclass(frozen=True, slots=True)
class Box:
    """One turn."""

    event: EmotionEvent
    x: float
    y: float
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class Position:
    """The axis, in units of `WIDTH`."""

    told: str
    """The same in words."""
    height: float
    boxes: tuple[Box, ...]
    ticks: tuple[str, ...]
    """Times at equal distances, from end to end."""
    newest: float
    """Where the newest turn ends."""
    played: float | None
    """Where the playing is; None where nothing is played, or nobody said how fast."""


def played_s(one: Conversation, *, now_s: float) -> float | None:
    """How far a recording has been played that still is; `now_s`: seconds since 1970."""
    recording = one.recording
    if recording is None or recording.speed is None or one.began_s is None or one.status != "open":
        return None
    reached_s = max(0.0, now_s - one.began_s) * recording.speed
    return reached_s if recording.duration_s is None else min(reached_s, recording.duration_s)


def position(one: Conversation, *, now_s: float) -> Position | None:
    """The axis as it stands; None before anything is known. The last turns alone stand on it."""
    turns = [turn for turn in one.turns if turn.turn is not None][-_MOST_TURNS:]
    length_s = one.recording.duration_s if one.recording else None
    if not turns and length_s is None:
        return None
    newest_s = max((turn.end_s for turn in turns), default=0.0)
    reached_s = played_s(one, now_s=now_s)
    # A recording is shown whole. Of a stream the oldest turns may be shown no more, and its end is not known.
    begins_s = 0.0 if length_s is not None else min(turn.start_s for turn in turns)
    ends_s = max(newest_s, reached_s or 0.0, length_s if length_s is not None else begins_s + _LEAST_S)
    scale = WIDTH / (ends_s - begins_s)
    speakers = speakers_of(turns)

    def at(time_s: float) -> float:
        return round((time_s - begins_s) * scale, 1)

    return Position(
        told=_told(one, turns, length_s=length_s, reached_s=reached_s),
        height=LANE * max(1, min(len(speakers), _MOST_LANES)),
        boxes=tuple(
            Box(
                event=turn,
                x=at(turn.start_s),
                y=LANE * min(speakers.index(speaker_of(turn)), _MOST_LANES - 1),
                width=max(round((turn.end_s - turn.start_s) * scale, 1), _LEAST),
                kind=kind_of(turn),
            )
            for turn in turns
        ),
        ticks=tuple(clock(begins_s + part * (ends_s - begins_s) / _PARTS) for part in range(_PARTS + 1)),
        newest=at(newest_s),
        played=None if reached_s is None else at(reached_s),
    )


def _told(one: Conversation, turns: Sequence[EmotionEvent], *, length_s: float | None, reached_s: float | None) -> str:
    newest = max(turns, key=lambda turn: turn.end_s, default=None)
    last = "no turn yet" if newest is None else f"the newest turn is {clock(newest.start_s)} to {clock(newest.end_s)}"
    if one.recording is None:
        return f"A stream, and nobody has said how long it is: {last}."
    whole = f"A recording of {clock(length_s)}" if length_s is not None else "A recording of unknown length"
    if one.status != "open":
        return f"{whole}, over: {last}."
    if one.recording.speed is None:
        return f"{whole}, sent as fast as it is taken: {last}."
    times = "at the speed of life" if one.recording.speed == 1 else f"at {one.recording.speed:g} times its speed"
    return f"{whole}, {times}, now at {clock(reached_s or 0.0)}: {last}."
