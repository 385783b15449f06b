"""How the live page writes turns and alerts."""

from collections.abc import Iterable, Sequence
from typing import Final

from actors.report.wording import speaker_of, verdict
from schemas.events import AlertEvent, EmotionEvent

MARKS: Final = ("●", "■", "▲", "◆", "▼", "★")
"""What a speaker's points look like, beside the colour."""


def percent(share: float) -> str:
    """`73 %`, on one line."""
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def sentence(event: EmotionEvent) -> str:
    """A turn as it is read out."""
    role = f", {event.role}" if event.role else ""
    sure = f", {percent(event.confidence)} sure" if event.label is not None and event.confidence is not None else ""
    again = ", said again" if event.revision else ""
    return f"{speaker_of(event)}{role}: {verdict(event)}{sure}{again}."


def alarm(alert: AlertEvent) -> str:
    """An alert as it is read out."""
    return f"Alert, {alert.severity}: {alert.rule}, {alert.speaker}, turn {alert.turn}."


def speakers_of(turns: Iterable[EmotionEvent]) -> Sequence[str]:
    """Everybody who speaks, in the order in which they came."""
    return list(dict.fromkeys(speaker_of(turn) for turn in turns if turn.turn is not None))
