"""A corpus as a stream of segments, at the speed of life or any other."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.clock import Clock
from engine.errors import ConfigurationError
from engine.transport.base import Outgoing, Publisher
from schemas.cloudevents import segment_headers
from schemas.topics import SEGMENTS
from simulators.corpus import Corpus, Skipped
from simulators.timeline import Cue, Sent, Timeline, named

PERFORMER = "performer"
"""Role of people whose corpus names none: they were recorded so that their emotions can be studied."""
_FLUSH_EVERY = 32
_RUN = re.compile(r"[A-Za-z0-9._-]{1,32}")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a corpus. Everything in `sent` was acknowledged."""

    sent: tuple[Sent, ...]
    skipped: tuple[Skipped, ...]
    dialogue_ids: tuple[str, ...]
    interrupted: bool = False
    """It was stopped before the end."""


def new_run() -> str:
    """A name no replay had before."""
    return uuid.uuid4().hex[:8]


class Replay:
    """Plays corpora through a publisher.

    speed: 1 is real time, 2 twice as fast, None as fast as the broker takes it.
    at_once: dialogues that run side by side; the next begins where one ends.
    run: part of every dialogue id, so that a corpus can be played again.
    role: of everybody whose corpus names none.
    wait: sleeps for so many seconds; report: hears of each utterance sent or skipped.
    """

    def __init__(
        self,
        *,
        publisher: Publisher,
        clock: Clock,
        wait: Callable[[float], None],
        report: Callable[[Sent | Skipped], None],
        run: str,
        speed: float | None = 1.0,
        at_once: int = 8,
        role: str = PERFORMER,
    ) -> None:
        if not _RUN.fullmatch(run):
            raise ConfigurationError(f"run {run!r} may hold letters, digits, dots, dashes and underscores, at most 32")
        if speed is not None and not speed > 0:
            raise ConfigurationError(f"speed {speed:g} is not above 0; `max` sends as fast as the broker takes it")
        self._publisher = publisher
        self._clock = clock
        self._wait = wait
        self._report = report
        self._run = run
        self._speed = speed
        self._at_once = at_once
        self._role = role

    def play(self, corpus: Corpus) -> Replayed:
        """Send everything, flush, and say what went out. Ctrl-C stops it; what was sent is flushed first.

        An utterance whose media cannot be sent is skipped and reported. Raises `PublishFailed`.
        """
        dialogues = named(corpus.dialogues, run=self._run)
        sent: list[Sent] = []
        skipped: list[Skipped] = []

        def skip(skip: Skipped) -> None:
            skipped.append(skip)
            self._report(skip)

        for unplayable in corpus.skipped:
            skip(unplayable)
        timeline = Timeline(
            source=f"/turntone/replay/{self._run}",
            role=self._role,
            at_once=self._at_once,
            speed=self._speed,
            skip=skip,
        )
        began_s, steady_s = self._clock.wall_s(), self._clock.monotonic_s()
        interrupted = False
        try:
            for number, cue in enumerate(timeline.cues(dialogues), start=1):
                self._send(cue, began_s=began_s, steady_s=steady_s)
                if cue.sent is not None:
                    sent.append(cue.sent)
                    self._report(cue.sent)
                if number % _FLUSH_EVERY == 0:
                    self._publisher.flush()
        except KeyboardInterrupt:
            interrupted = True
        self._publisher.flush()
        return Replayed(tuple(sent), tuple(skipped), tuple(dialogues), interrupted)

    def _send(self, cue: Cue, *, began_s: float, steady_s: float) -> None:
        """Wait until a record is due and publish it; its time is the wall time at which its media ends."""
        ended_s = self._clock.wall_s()
        if self._speed is not None:
            ended_s = began_s + cue.at_s / self._speed
            ahead_s = steady_s + cue.at_s / self._speed - self._clock.monotonic_s()
            if ahead_s > 0:
                self._wait(ahead_s)
        segment = cue.segment.model_copy(update={"time": datetime.fromtimestamp(ended_s, tz=UTC)})
        self._publisher.publish([Outgoing(SEGMENTS, segment.dialogue_id, cue.value, segment_headers(segment))])
