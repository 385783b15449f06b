"""All live streams of one gateway: how many there may be, and of which parts each is made."""

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from actors.gateway.streams.container import ContainerCutter, ContainerSettings
from actors.gateway.streams.cutting import Cutter, Cutting, RawCutter
from actors.gateway.streams.limits import Meter, StreamLimits
from actors.gateway.streams.messages import Segmented, Told
from actors.gateway.streams.origins import Origins
from actors.gateway.streams.refusal import AGAIN, POLICY, Refusal
from actors.gateway.streams.stream import Send, Stream, Tell
from engine.clock import Clock
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.raw import RawSamples
from engine.ingest.reconnect import Backoff
from engine.ingest.segmenter import Identity, Segmenter
from engine.ingest.voices import Voices
from engine.ingest.wall import Wall
from engine.metrics import Metrics

Authorise = Callable[[str | None], bool]
"""Whether a bearer token, or none, may stream."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How live streams are cut and carried.

    Args:
        endpoint: where an utterance ends.
        unheard_s: length of segments without sound.
        idle_s: a dialogue in which nothing was heard for so long has ended.
        deliver: how a broker that is away is tried again.
        limits: what a stream may cost.
    """

    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    unheard_s: float = 5.0
    idle_s: float = 600.0
    deliver: Backoff = field(default_factory=lambda: Backoff(attempts=4))
    limits: StreamLimits = field(default_factory=StreamLimits)


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that was taken."""

    stream: Stream
    meter: Meter
    run: str
    offset_s: float


class Streams:
    """Takes streams, of any protocol.

    Args:
        send: publishes records.
        authorise: knows the tokens.
        settings: how streams are cut and carried.
        clock: tells how fast media comes, and when an utterance ended.
        metrics: level `streams` of those that are open; see `Stream` for the others.
    """

    def __init__(
        self, *, send: Send, authorise: Authorise, settings: StreamSettings, clock: Clock, metrics: Metrics
    ) -> None:
        self.limits = settings.limits
        self._send = send
        self._authorise = authorise
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._origins = Origins(clock=clock, idle_s=settings.idle_s)
        self._open = 0
        self._decoding = 0

    def admit(self, token: str | None) -> None:
        """Raise `Refusal` where a token is not good for a stream."""
        if not self._authorise(token):
            raise Refusal(POLICY, "unauthorized", "a stream needs a token with the scope segments:write")

    @contextmanager
    def raw(
        self,
        identity: Identity,
        voices: Voices,
        *,
        format: str,
        rate_hz: int,
        channels: int,
        offset_s: float | None,
        tell: Tell,
    ) -> Iterator[Opened]:
        """A stream of samples without a header. Raises `Refusal` where there are too many streams."""
        with self._place():
            begins_s = self._origins.offset_s(identity.dialogue_id, offset_s)
            wall = Wall(clock=self._clock, live=True)
            segmenter = Segmenter(
                identity=identity,
                voices=voices,
                endpoint=self._settings.endpoint,
                wall=wall.at,
                unheard_s=self._settings.unheard_s,
                origin_s=begins_s,
            )
            samples = RawSamples(format=format, rate_hz=rate_hz, channels=channels)
            cutter = RawCutter(samples=samples, cutting=Cutting(segmenter=segmenter, wall=wall))
            yield self._opened(identity, cutter, begins_s, tell)

    @contextmanager
    def container(self, identity: Identity, voices: Voices, *, offset_s: float | None, tell: Tell) -> Iterator[Opened]:
        """A stream in a container, which is decoded in a process of its own; likewise."""
        if self._decoding >= self.limits.decoders:
            raise self._full(f"{self.limits.decoders} streams are being decoded")
        self._decoding += 1
        try:
            with self._place():
                begins_s = self._origins.offset_s(identity.dialogue_id, offset_s)
                settings = ContainerSettings(
                    identity=identity,
                    speaker=voices.speaker,
                    role=voices.role,
                    endpoint=self._settings.endpoint,
                    unheard_s=self._settings.unheard_s,
                    origin_s=begins_s,
                    limits=self.limits,
                )
                yield self._opened(identity, ContainerCutter(settings=settings), begins_s, tell)
        finally:
            self._decoding -= 1

    def ended(self, dialogue_id: str) -> None:
        """The dialogue is over: a later stream of this name begins at 0."""
        self._origins.forget(dialogue_id)

    def dropped(self, seconds: float) -> None:
        """So much sound came too late to be heard."""
        self._metrics.count("ingest_dropped_sound_ms", round(seconds * 1000))

    def refused(self, refusal: Refusal, *, run: str | None) -> None:
        """Count and log a stream that was not taken, or not to its end."""
        self._metrics.count(f"streams_refused:{refusal.error}")
        _log.info("stream %s was closed with %d, %s", run or "-", refusal.code, refusal.error)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._open >= self.limits.at_once:
            raise self._full(f"{self.limits.at_once} streams are open")
        self._open += 1
        self._metrics.level("streams", self._open)
        try:
            yield
        finally:
            self._open -= 1
            self._metrics.level("streams", self._open)

    def _opened(self, identity: Identity, cutter: Cutter, offset_s: float, tell: Tell) -> Opened:
        async def told(what: Told) -> None:
            if isinstance(what, Segmented):
                self._origins.use(identity.dialogue_id)
            await tell(what)

        meter = Meter(limits=self.limits, clock=self._clock)
        stream = Stream(
            cutter=cutter,
            send=self._send,
            backoff=self._settings.deliver,
            meter=meter,
            limits=self.limits,
            tell=told,
            clock=self._clock,
            metrics=self._metrics,
            random=Random(),  # noqa: S311 - jitter
        )
        return Opened(stream=stream, meter=meter, run=identity.run, offset_s=offset_s)

    @staticmethod
    def _full(why: str) -> Refusal:
        return Refusal(AGAIN, "busy", f"{why}, and that is all this gateway takes; try again later")


def new_run() -> str:
    """A name no stream had before: it is part of the source, so a sequence that begins anew repeats nothing."""
    return uuid.uuid4().hex[:12]
