"""A corpus through a running stack: replayed into its broker, and heard until everything is answered."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from actors.cli.hearing import Hearing

if TYPE_CHECKING:
    from actors.supervisor import Supervisor
    from simulators.corpus import Corpus, Skipped
    from simulators.replay import Replayed
    from simulators.timeline import Sent

_PATIENCE_S = 60.0
"""Without a record for so long after the last segment, the rest counts as unanswered."""


def replay_through(
    running: "Supervisor",
    corpus: "Corpus",
    *,
    stop: Event,
    run: str,
    role: str,
    speed: float | None,
    hearing: Hearing,
) -> "Replayed":
    """Replay a corpus, and hear what comes of it until every dialogue has ended or nothing more comes.

    speed: as in `Replay`. Setting `stop` ends it with what was sent by then. Raises what stopped the stack, and
    `PublishFailed`.
    """
    from engine.transport.kafka_reader import KafkaReader
    from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, TURNS

    address = running.config.broker.bootstrap or ""
    reader = KafkaReader(bootstrap=address, topics=[TURNS, ALERTS, DIALOGUES, DEAD_LETTERS], from_beginning=False)
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay") as threads:
            replaying = threads.submit(_replay, address, corpus, stop=stop, run=run, role=role, speed=speed)
            heard_s = time.monotonic()
            while not stop.is_set() and not _over(replaying, hearing):
                running.wait(timeout_s=0.0)
                for record in reader.read(timeout_s=0.3):
                    hearing(record)
                    heard_s = time.monotonic()
                if not replaying.done():
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > _PATIENCE_S:
                    break
            for record in reader.read(timeout_s=1.0):
                hearing(record)
            return replaying.result()
    finally:
        reader.close()


def _replay(address: str, corpus: "Corpus", *, stop: Event, run: str, role: str, speed: float | None) -> "Replayed":
    from engine.clock import SystemClock
    from engine.transport.kafka_publisher import KafkaPublisher
    from simulators.replay import Replay

    publisher = KafkaPublisher(bootstrap=address)
    try:
        player = Replay(
            publisher=publisher,
            clock=SystemClock(),
            wait=partial(_wait, stop),
            report=partial(_go_on, stop),
            run=run,
            speed=speed,
            role=role,
        )
        return player.play(corpus)
    finally:
        publisher.close()


def _wait(stop: Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise KeyboardInterrupt


def _go_on(stop: Event, _: "Sent | Skipped") -> None:
    """Without a pace nobody waits, and a replay is to end all the same when it is asked to."""
    if stop.is_set():
        raise KeyboardInterrupt


def _over(replaying: "Future[Replayed]", hearing: Hearing) -> bool:
    return replaying.done() and set(replaying.result().dialogue_ids) <= hearing.ended
