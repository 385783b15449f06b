"""A speaker over a whole dialogue: statistics that grow turn by turn and keep their size, and what is told of them.

Only answered turns count (those with a label), but in `turns`, `withheld` and `seconds`. Shares and means are weighted
by seconds. Valence is smoothed exponentially over the speaker's turns, with the weight `SMOOTHING` on the newest. A
turn is a *turning point* where the smoothed valence has moved by `TURN` since the last turning point (or the first
turn), or has come to the other side of 0, beyond `BAND`. A *negative stretch* are turns in a row whose own valence is
`NEGATIVE` or less. Late turns count in shares and means alone, for they come out of order.
"""

from collections.abc import Iterable
from typing import Final, Literal

from schemas.events import EmotionEvent, SpeakerSummary, Stretch, TurningPoint
from schemas.labels import EMOTIONS
from schemas.record import SpeakerCourse

SMOOTHING: Final = 0.5
TURN: Final = 0.3
BAND: Final = 0.05
NEGATIVE: Final = -0.1
MOST_POINTS: Final = 8
"""Turning points that are kept: those of the greatest move, the earlier of two that are equal."""

_DECIMALS = 6


def counted(before: SpeakerSummary, event: EmotionEvent) -> SpeakerSummary:
    """The counts after one more turn of the speaker."""
    labels = before.labels
    if event.label is not None:
        labels = {**labels, event.label: labels.get(event.label, 0) + 1}
    return SpeakerSummary(
        turns=before.turns + 1, withheld=before.withheld + (event.abstained == "withheld"), labels=labels
    )


def added(a: SpeakerSummary, b: SpeakerSummary) -> SpeakerSummary:
    """The counts of two ids that are one speaker."""
    labels = {label: a.labels.get(label, 0) + b.labels.get(label, 0) for label in (*b.labels, *a.labels)}
    return SpeakerSummary(turns=a.turns + b.turns, withheld=a.withheld + b.withheld, labels=labels)


def entered(course: SpeakerCourse, event: EmotionEvent) -> SpeakerCourse:
    """The statistics after one more turn of the speaker, which is not said again any more."""
    seconds = event.end_s - event.start_s
    course = course.model_copy(update={"seconds": course.seconds + seconds})
    if event.label is None or event.distribution is None:
        return course
    emotion_s = {
        emotion: course.emotion_s.get(emotion, 0.0) + share * seconds for emotion, share in event.distribution.items()
    }
    course = course.model_copy(update={"answered_s": course.answered_s + seconds, "emotion_s": emotion_s})
    if event.valence is None or event.arousal is None:
        return course
    course = course.model_copy(
        update={
            "rated_s": course.rated_s + seconds,
            "valence_s": course.valence_s + event.valence * seconds,
            "arousal_s": course.arousal_s + event.arousal * seconds,
        }
    )
    if event.late:
        return course
    return _stretched(_turned(course, event, event.valence), event, event.valence)


def merged(a: SpeakerCourse, b: SpeakerCourse) -> SpeakerCourse:
    """The statistics of two ids that are one speaker; the mood goes on from the one that spoke last."""
    earlier, later = sorted((a, b), key=lambda course: course.last_turn)
    sums = ("seconds", "answered_s", "rated_s", "valence_s", "arousal_s", "turned")
    return later.model_copy(
        update={
            **{name: getattr(a, name) + getattr(b, name) for name in sums},
            "emotion_s": {
                emotion: a.emotion_s.get(emotion, 0.0) + b.emotion_s.get(emotion, 0.0)
                for emotion in EMOTIONS
                if emotion in a.emotion_s or emotion in b.emotion_s
            },
            "turning_points": _greatest((*earlier.turning_points, *later.turning_points)),
            "longest": _longer(earlier.longest, later.longest),
        }
    )


def erased(course: SpeakerCourse) -> SpeakerCourse:
    """The statistics without anything that was inferred."""
    return SpeakerCourse(seconds=course.seconds)


def summed(counts: SpeakerSummary, course: SpeakerCourse) -> SpeakerSummary:
    """What is told of a speaker at the end."""
    shares = course.emotion_s.items() if course.answered_s else ()
    return counts.model_copy(
        update={
            "seconds": round(course.seconds, 3),
            "answered_share": round(sum(counts.labels.values()) / counts.turns, _DECIMALS) if counts.turns else None,
            "withheld_share": round(counts.withheld / counts.turns, _DECIMALS) if counts.turns else None,
            "shares": {emotion: round(sum_s / course.answered_s, _DECIMALS) for emotion, sum_s in shares},
            "valence": round(course.valence_s / course.rated_s, _DECIMALS) if course.rated_s else None,
            "arousal": round(course.arousal_s / course.rated_s, _DECIMALS) if course.rated_s else None,
            "turned": course.turned,
            "turning_points": course.turning_points,
            "negative": course.longest,
        }
    )


def summary_of(turns: Iterable[EmotionEvent]) -> SpeakerSummary:
    """What is told of a speaker of whom these are all turns, in order, each as it was said last."""
    counts, course = SpeakerSummary(), SpeakerCourse()
    for event in turns:
        counts, course = counted(counts, event), entered(course, event)
    return summed(counts, course)


def _turned(course: SpeakerCourse, event: EmotionEvent, valence: float) -> SpeakerCourse:
    if event.turn is None or event.label is None:
        return course
    if course.smoothed is None:
        first = {"smoothed": valence, "reference": valence, "side": _side(valence), "last_turn": event.turn}
        return course.model_copy(update=first)
    smoothed = course.smoothed + SMOOTHING * (valence - course.smoothed)
    side = _side(smoothed)
    after = course.model_copy(
        update={"smoothed": smoothed, "side": side or course.side, "last_turn": max(course.last_turn, event.turn)}
    )
    if abs(smoothed - course.reference) < TURN and side * course.side >= 0:
        return after
    point = TurningPoint(
        turn=event.turn,
        start_s=event.start_s,
        label=event.label,
        before=round(course.reference, _DECIMALS),
        after=round(smoothed, _DECIMALS),
    )
    return after.model_copy(
        update={
            "reference": smoothed,
            "turned": course.turned + 1,
            "turning_points": _greatest((*course.turning_points, point)),
        }
    )


def _stretched(course: SpeakerCourse, event: EmotionEvent, valence: float) -> SpeakerCourse:
    if event.turn is None or valence > NEGATIVE:
        return course.model_copy(update={"stretch": None})
    before = course.stretch or Stretch(start_s=event.start_s, end_s=event.end_s, since_turn=event.turn, turns=0)
    stretch = before.model_copy(update={"end_s": max(before.end_s, event.end_s), "turns": before.turns + 1})
    return course.model_copy(update={"stretch": stretch, "longest": _longer(course.longest, stretch)})


def _side(valence: float) -> Literal[-1, 0, 1]:
    return 0 if abs(valence) < BAND else 1 if valence > 0 else -1


def _greatest(points: tuple[TurningPoint, ...]) -> tuple[TurningPoint, ...]:
    kept = sorted(points, key=lambda point: (-abs(point.after - point.before), point.turn))[:MOST_POINTS]
    return tuple(sorted(kept, key=lambda point: point.turn))


def _longer(a: Stretch | None, b: Stretch | None) -> Stretch | None:
    """The one that lasts longer; the first of two that are equal."""
    if a is None or b is None:
        return a or b
    return b if b.end_s - b.start_s > a.end_s - a.start_s else a
