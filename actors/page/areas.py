"""Pictures over the turns of a dialogue, laid out: shares stacked to areas, and values as lines, a column a turn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from actors.report.lanes import kind_of
from actors.report.wording import code_of, speaker_of
from schemas.events import EmotionEvent

WIDTH: Final = 1000.0
HEIGHT: Final = 160.0
_LETTERS: Final = 14.0
"""Units both ways from which two letters fit."""

Shares = Callable[[EmotionEvent], Mapping[Any, float] | None]
"""By kind; None for a turn without any."""
Value = Callable[[EmotionEvent], float | None]
Place = tuple[int, EmotionEvent]
"""A turn and its column."""


@dataclass(frozen=True, slots=True)
class Area:
    """One kind's share over turns in a row that all have shares."""

    kind: str
    points: tuple[tuple[float, float], ...]
    """Its outline."""
    letters_at: tuple[float, float] | None
    """Where it is thickest; None where letters do not fit."""


@dataclass(frozen=True, slots=True)
class Column:
    """One turn."""

    x: float
    width: float
    event: EmotionEvent
    kind: str
    letters: str
    """Empty where they do not fit."""


@dataclass(frozen=True, slots=True)
class Line:
    """One speaker's values."""

    speaker: str
    number: int
    """Which of the speakers: it decides colour, dashes and marker."""
    points: tuple[tuple[float, float], ...]


def columns(turns: Sequence[EmotionEvent]) -> tuple[Column, ...]:
    """A column of equal width for every turn."""
    width = WIDTH / max(1, len(turns))
    return tuple(
        Column(
            x=_rounded(number * width),
            width=_rounded(width),
            event=turn,
            kind=kind_of(turn),
            letters=code_of(turn) if width >= _LETTERS else "",
        )
        for number, turn in enumerate(turns)
    )


def stacked(turns: Sequence[EmotionEvent], *, shares: Shares, kinds: Sequence[str]) -> tuple[Area, ...]:
    """Areas from the bottom up, in the order of `kinds`; turns without shares leave a gap."""
    width = WIDTH / max(1, len(turns))
    runs = groupby(enumerate(turns), key=lambda place: shares(place[1]) is not None)
    return tuple(
        area for known, run in runs if known for area in _run(list(run), shares=shares, kinds=kinds, width=width)
    )


def lines(turns: Sequence[EmotionEvent], *, value: Value, speakers: Sequence[str]) -> tuple[Line, ...]:
    """A line for each speaker who has values in [-1, 1]; a point stands in the middle of its turn's column."""
    width = WIDTH / max(1, len(turns))
    found = []
    for number, speaker in enumerate(speakers):
        points = tuple(
            (_rounded((place + 0.5) * width), _rounded((1 - known) / 2 * HEIGHT))
            for place, turn in enumerate(turns)
            if speaker_of(turn) == speaker and (known := value(turn)) is not None
        )
        if points:
            found.append(Line(speaker, number, points))
    return tuple(found)


def _run(places: Sequence[Place], *, shares: Shares, kinds: Sequence[str], width: float) -> list[Area]:
    # Straight from middle to middle, and level to the edges, so that a turn alone is seen too.
    xs = [places[0][0] * width, *((place + 0.5) * width for place, _ in places), (places[-1][0] + 1) * width]
    given = [shares(turn) or {} for _, turn in places]
    below = [0.0] * len(xs)
    areas = []
    for kind in kinds:
        own = [one.get(kind, 0.0) for one in given]
        thick = [own[0], *own, own[-1]]
        above = [low + share for low, share in zip(below, thick, strict=True)]
        if max(own) > 0:
            outline = [*zip(xs, above, strict=True), *reversed(list(zip(xs, below, strict=True)))]
            widest = max(range(1, len(own) + 1), key=thick.__getitem__)
            fits = min(thick[widest] * HEIGHT, width) >= _LETTERS
            at = (xs[widest], below[widest] + thick[widest] / 2)
            areas.append(
                Area(
                    kind=kind,
                    points=tuple((_rounded(x), _rounded((1 - y) * HEIGHT)) for x, y in outline),
                    letters_at=(_rounded(at[0]), _rounded((1 - at[1]) * HEIGHT)) if fits else None,
                )
            )
        below = above
    return areas


def _rounded(units: float) -> float:
    return round(units, 1)
