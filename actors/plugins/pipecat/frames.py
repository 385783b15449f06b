"""What Turntone says, as frames of a pipeline."""

from dataclasses import dataclass

from pipecat.frames.frames import SystemFrame

from schemas.events import AlertEvent, EmotionEvent


@dataclass
class EmotionFrame(SystemFrame):
    """A turn of the user and how it was felt.

    A system frame, for the user's next word, which interrupts everything else, must not wipe it out.
    """

    event: EmotionEvent


@dataclass
class AlertFrame(SystemFrame):
    """A rule that fired for the user."""

    event: AlertEvent
