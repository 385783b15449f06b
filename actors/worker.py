"""A worker: the partition loop of one slot, in a process of its own."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event
from typing import Protocol

from actors.remote_models import FusionHandle, RemoteModels
from actors.tracing import open_trace
from engine.clock import SystemClock
from engine.config import Config
from engine.metrics import Figures, Metrics, Reading


class Loop(Protocol):
    """What a worker runs."""

    def run(self, stop: Event) -> None:
        """Serve until `stop` is set, then drain."""
        ...


OpenLoop = Callable[[str, Config], AbstractContextManager[Loop]]
"""Joins the group under a slot's name; the configuration has the servers' addresses."""


class DialogueWorker:
    """Built warm, without a partition; `serve` makes it a member of the group for the rest of its life.

    prepare: builds what needs no server, with the figures to count in, and returns what opens the loop.
    """

    def __init__(self, *, prepare: Callable[[Metrics], OpenLoop]) -> None:
        self._figures = Figures()
        self._stop = Event()
        self._slot: str | None = None
        self._open = prepare(self._figures)

    def pid(self) -> int:
        """The worker's process; answered as soon as it is warm."""
        return os.getpid()

    def serve(self, slot: str, config: Config) -> None:
        """Work until `drain`. Runs in a thread of its own, beside the other methods. Raises what stopped the loop."""
        self._slot = slot
        with self._open(slot, config) as loop:
            loop.run(self._stop)

    def drain(self) -> None:
        """Let `serve` finish its wave, commit, and leave the group for good."""
        self._stop.set()

    def reading(self) -> Reading:
        """The figures so far."""
        return self._figures.read()

    def slot_reading(self) -> tuple[str | None, Reading]:
        """The slot it has, if it has one by now, and the figures so far."""
        return self._slot, self._figures.read()


def prepare_loop(config: Config, metrics: Metrics) -> OpenLoop:
    """The loop over Kafka, Redis and the model server. Everything that takes long to import is imported here."""
    from engine.build import (
        build_decoder,
        build_loop,
        build_pipeline,
        build_store,
        build_transport,
        kafka_snapshots,
        model_id,
    )

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    # What its failures mean for the work, the loop says itself; the client says it for every connection and every try.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    clock = SystemClock()
    decoder = build_decoder(config)
    pipeline = build_pipeline(config, model_id=model_id(config), decoder=decoder, clock=clock)

    @contextmanager
    def opened(slot: str, addressed: Config) -> Iterator[Loop]:
        store, trace = build_store(addressed), open_trace()
        try:
            yield build_loop(
                addressed,
                transport=build_transport(addressed, slot=slot),
                store=store,
                models=RemoteModels(server=FusionHandle()),
                pipeline=pipeline,
                snapshots=kafka_snapshots(addressed),
                clock=clock,
                metrics=metrics,
                trace=trace,
            )
        finally:
            if trace is not None:
                trace.close()
            store.close()
            decoder.close()

    return opened
