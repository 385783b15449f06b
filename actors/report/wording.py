"""How a page writes times, emotions and reasons."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from schemas.events import EmotionEvent
from schemas.labels import Emotion

CODES: Final[dict[Emotion, str]] = {
    "neutral": "Ne",
    "joy": "Jo",
    "surprise": "Su",
    "anger": "An",
    "sadness": "Sa",
    "disgust": "Di",
    "fear": "Fe",
}
"""Letters that say what the colour says."""

NOBODY: Final = "unknown"


def clock(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`: whole seconds of the recording."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def speaker_of(event: EmotionEvent) -> str:
    """Who speaks in a turn."""
    return event.speaker or NOBODY


def code_of(event: EmotionEvent) -> str:
    """Two letters of an emotion, `x` for a withheld turn, `?` where there is no decision."""
    if event.label is not None:
        return CODES[event.label]
    return "x" if event.abstained == "withheld" else "?"


def verdict(event: EmotionEvent) -> str:
    """The label, or why there is none, as a sentence fragment."""
    if event.label is not None:
        return event.label
    named = (event.abstained or "no label").replace("_", " ")
    return f"{named}: {event.abstained_reason}" if event.abstained_reason else named


def notes(event: EmotionEvent) -> tuple[str, ...]:
    """What else is to be said of a turn: what was missing, and what is unusual about it."""
    told = []
    if event.abstained != "withheld":
        if event.modalities.audio_missing:
            told.append(f"no voice: {event.modalities.audio_missing}")
        if event.modalities.video_missing:
            told.append(f"no face: {event.modalities.video_missing}")
    if event.overlap:
        told.append("somebody else speaks over part of it")
    if event.state.status == "restarted":
        told.append(f"the dialogue's states began afresh: {event.state.reason or 'no reason given'}")
    if event.revision:
        told.append(f"revised {event.revision} time(s)")
    return tuple(told)


def open_questions(events: Iterable[EmotionEvent]) -> tuple[tuple[str, int], ...]:
    """Everything that was not decided or not there, with how many events say so, the most frequent first."""
    reasons: Counter[str] = Counter()
    for event in events:
        if event.label is None:
            reasons[f"No emotion given: {verdict(event)}"] += 1
        if event.turn is not None and event.abstained != "withheld":
            for what, missing in (("voice", event.modalities.audio_missing), ("face", event.modalities.video_missing)):
                if missing:
                    reasons[f"No {what}: {missing}"] += 1
    return tuple(reasons.most_common())
