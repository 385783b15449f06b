"""A corpus through the engine in one process: no broker, no cluster, the same segments and the same loop."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event

from engine.build import InProcess
from engine.clock import SystemClock
from engine.transport.base import Incoming
from engine.transport.memory import MemoryPublisher, MemoryReader
from schemas.events import DialogueEvent
from schemas.topics import DEAD_LETTERS, DIALOGUES, ENDED_TYPE, TURNS
from simulators.corpus import Corpus, Skipped
from simulators.replay import Replay
from simulators.timeline import Sent

_LISTEN_S = 0.2


def play_through(
    engine: InProcess,
    corpus: Corpus,
    *,
    run: str,
    role: str,
    report: Callable[[Sent | Skipped], None],
    hear: Callable[[Incoming], None],
) -> tuple[Sent, ...]:
    """Play every dialogue to its end, one after the other; returns what was sent.

    hear: is given every record of turns, dialogues and dead letters. Raises what stopped the engine's loop.
    """
    reader = MemoryReader(broker=engine.broker, topics=[TURNS, DIALOGUES, DEAD_LETTERS], from_beginning=True)
    player = Replay(
        publisher=MemoryPublisher(broker=engine.broker),
        clock=SystemClock(),
        wait=time.sleep,
        report=report,
        run=run,
        speed=None,
        role=role,
    )
    for skip in corpus.skipped:
        report(skip)
    sent: list[Sent] = []
    stop = Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine") as threads:
        running = threads.submit(engine.loop.run, stop)
        try:
            for dialogue in corpus.dialogues:
                replayed = player.play(replace(corpus, dialogues=(dialogue,), skipped=()))
                sent += replayed.sent
                _hear_out(reader, running, replayed.dialogue_ids[0], hear)
                if replayed.interrupted:
                    break
        finally:
            stop.set()
        running.result()
    for record in reader.read(timeout_s=0.0):
        hear(record)
    return tuple(sent)


def _hear_out(reader: MemoryReader, running: Future[None], dialogue_id: str, hear: Callable[[Incoming], None]) -> None:
    ended = False
    while not ended:
        if running.done():
            running.result()
            return
        for record in reader.read(timeout_s=_LISTEN_S):
            hear(record)
            ended = ended or (record.key == dialogue_id and _is_end(record))


def _is_end(record: Incoming) -> bool:
    """Whether the dialogue is over; an end that could not be worked on is one too."""
    if record.position.topic == DIALOGUES:
        return DialogueEvent.model_validate_json(record.value or b"").status in {"ended", "failed"}
    return record.position.topic == DEAD_LETTERS and dict(record.headers).get("ce_type") == ENDED_TYPE.encode()
