"""How emotions, valence and arousal go over a dialogue, laid out: means over equal stretches of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from actors.report.wording import CODES, clock, speaker_of
from schemas.events import EmotionEvent
from schemas.labels import EMOTIONS, Emotion

WIDTH, HEIGHT = 1000.0, 160.0
_BINS_MOST = 40
_BIN_LEAST_S = 2.0
_GAP = 1.0
_LETTERS = 16.0
"""Units a bar has to have on both sides for two letters to fit."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One emotion's share in one stretch of time."""

    emotion: Emotion
    x: float
    y: float
    width: float
    height: float
    letters: str
    """Empty where they do not fit."""
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One speaker's valence or arousal: points `(x, y)` where there is speech to judge by."""

    speaker: str
    number: int
    """Which of the speakers: it decides colour, dashes and marker."""
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What is drawn of one dialogue."""

    bars: tuple[Bar, ...]
    valence: tuple[Curve, ...]
    arousal: tuple[Curve, ...]
    ticks: tuple[tuple[float, str], ...]


def course(turns: Sequence[EmotionEvent], *, speakers: Sequence[str]) -> Course:
    """The course of one dialogue's turns; a turn counts in a stretch by the seconds it lies there."""
    end_s = max((turn.end_s for turn in turns), default=0.0)
    bins = max(1, min(_BINS_MOST, int(end_s / _BIN_LEAST_S)))
    edges = [(number * end_s / bins, (number + 1) * end_s / bins) for number in range(bins)]
    return Course(
        bars=tuple(bar for number, edge in enumerate(edges) for bar in _bars(turns, number, edge, bins)),
        valence=_curves(turns, speakers, edges, lambda turn: turn.valence),
        arousal=_curves(turns, speakers, edges, lambda turn: turn.arousal),
        ticks=tuple((part * WIDTH / 5, clock(part * end_s / 5)) for part in range(5)),
    )


def _bars(turns: Sequence[EmotionEvent], number: int, edge: tuple[float, float], bins: int) -> list[Bar]:
    means = {emotion: _mean(turns, edge, partial(_share, emotion)) for emotion in EMOTIONS}
    bars: list[Bar] = []
    y, width = HEIGHT, WIDTH / bins - _GAP
    for emotion, mean in means.items():
        if mean:
            height = mean * HEIGHT
            y -= height
            bars.append(
                Bar(
                    emotion=emotion,
                    x=_rounded(number * WIDTH / bins),
                    y=_rounded(y),
                    width=width,
                    height=_rounded(height),
                    letters=CODES[emotion] if min(width, height) >= _LETTERS else "",
                    text=f"{clock(edge[0])} to {clock(edge[1])}: {emotion} {mean:.0%}",
                )
            )
    return bars


def _share(emotion: Emotion, turn: EmotionEvent) -> float | None:
    return None if turn.distribution is None else turn.distribution[emotion]


def _curves(
    turns: Sequence[EmotionEvent],
    speakers: Sequence[str],
    edges: Sequence[tuple[float, float]],
    value: Callable[[EmotionEvent], float | None],
) -> tuple[Curve, ...]:
    curves = []
    for number, speaker in enumerate(speakers):
        own = [turn for turn in turns if speaker_of(turn) == speaker]
        means = [_mean(own, edge, value) for edge in edges]
        points = tuple(
            (_rounded((index + 0.5) * WIDTH / len(edges)), _rounded((1 - mean) / 2 * HEIGHT))
            for index, mean in enumerate(means)
            if mean is not None
        )
        if points:
            curves.append(Curve(speaker, number, points))
    return tuple(curves)


def _mean(
    turns: Sequence[EmotionEvent], edge: tuple[float, float], value: Callable[[EmotionEvent], float | None]
) -> float | None:
    """The mean over a stretch by seconds; None where no turn in it has a value."""
    weighed = [
        (min(turn.end_s, edge[1]) - max(turn.start_s, edge[0]), known)
        for turn in turns
        if turn.start_s < edge[1] and turn.end_s > edge[0] and (known := value(turn)) is not None
    ]
    total_s = sum(seconds for seconds, _ in weighed)
    return sum(seconds * known for seconds, known in weighed) / total_s if total_s else None


def _rounded(units: float) -> float:
    return round(units, 1)
