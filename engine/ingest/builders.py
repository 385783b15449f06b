"""From flat settings to a running stream: how the parts of the ingest hang together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event

from engine.clock import Clock
from engine.ingest.base import Source
from engine.ingest.delivery import Delivery
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.ingest import Ingest, Room
from engine.ingest.notices import Notice
from engine.ingest.reconnect import Backoff, Paced, Reconnecting, Wait
from engine.ingest.segmenter import Identity, Segmenter
from engine.ingest.voices import Voices
from engine.ingest.wall import Wall
from engine.metrics import Metrics
from engine.transport.base import Publisher


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How a source is cut and carried.

    Args:
        endpoint: where an utterance ends.
        room: how much may wait between the threads.
        unheard_s: length of segments without sound.
        origin_s: where in the dialogue the stream begins.
        realtime: a recording is played as if it happened now.
        reconnect: how a live source is tried again; None: not at all.
        deliver: how a broker is tried again.
        keep_open: the dialogue goes on after the stream.
    """

    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    room: Room = field(default_factory=Room)
    unheard_s: float = 5.0
    origin_s: float = 0.0
    realtime: bool = False
    reconnect: Backoff | None = None
    deliver: Backoff = field(default_factory=lambda: Backoff(attempts=4))
    keep_open: bool = False


def build_ingest(
    source: Source,
    *,
    publisher: Publisher,
    identity: Identity,
    voices: Voices,
    settings: IngestSettings,
    clock: Clock,
    metrics: Metrics,
    report: Callable[[Notice], None],
    stop: Event | None = None,
    wait: Wait | None = None,
    random: Random | None = None,
) -> Ingest:
    """One stream, ready to `run`. `stop`, `wait` and `random` are there for those who wind the clock by hand."""
    stop = stop or Event()
    wait = wait or stop.wait
    random = random or Random()  # noqa: S311 - jitter
    if settings.realtime and not source.live:
        source = Paced(source=source, clock=clock, wait=wait)
    elif settings.reconnect is not None and source.resumes:
        source = Reconnecting(
            source=source, backoff=settings.reconnect, clock=clock, wait=wait, report=report, random=random
        )
    wall = Wall(clock=clock, live=source.live)
    return Ingest(
        source=source,
        segmenter=Segmenter(
            identity=identity,
            voices=voices,
            endpoint=settings.endpoint,
            wall=wall.at,
            unheard_s=settings.unheard_s,
            origin_s=settings.origin_s,
        ),
        delivery=Delivery(publisher=publisher, backoff=settings.deliver, wait=wait, report=report, random=random),
        wall=wall,
        room=settings.room,
        stop=stop,
        metrics=metrics,
        report=report,
        keep_open=settings.keep_open,
    )
