"""A replay of bundled conversations side by side, and blows that fall at random moments of it."""

import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Condition

from engine.clock import SystemClock
from engine.errors import TransportUnavailable
from engine.transport.base import Incoming, read_all
from engine.transport.kafka_publisher import KafkaPublisher
from engine.transport.kafka_reader import KafkaReader
from schemas.cloudevents import read_attributes
from schemas.events import DialogueEvent
from schemas.topics import ALERTS, DEAD_LETTERS, DIALOGUES, SEGMENTS, STATES, TURNS
from simulators.corpus import Corpus, CorpusDialogue, Skipped
from simulators.folder import open_corpus
from simulators.replay import Replay, Replayed
from simulators.samples import CALL, MEETING
from simulators.timeline import Sent

PATIENCE_S = 150.0
"""Without a word for so long, nothing more will come."""
AT_ONCE = 12
"""Dialogues side by side: so many that every worker has some."""
TURN_S = 2.6
"""About the length of an utterance and its pause."""
ALL_TOPICS = (SEGMENTS, TURNS, ALERTS, DIALOGUES, DEAD_LETTERS, STATES)


@dataclass(frozen=True)
class Blow:
    """Something was killed."""

    what: str
    at_s: float
    """Wall time, seconds since 1970."""
    partitions: frozenset[int]
    """What was this one's to answer."""


@dataclass(frozen=True)
class Recovery:
    """The next turn out of what was hit by a blow."""

    next_event_s: float
    """Since the blow."""
    waited_s: float
    """Of that, since there was something to answer: an utterance may have ended only later."""


def conversations(*, calls: int, meetings: int) -> Corpus:
    """Copies of the call (24 turns, voices, half of them withheld) and of the meeting (16 turns, faces too).

    Each begins with another utterance, so that they do not all speak at the same time.
    """
    kinds = {"call": (open_corpus(CALL), calls), "meeting": (open_corpus(MEETING), meetings)}
    copies = [
        (number / count, _turned(corpus.dialogues[0], by=number, name=f"{kind}-{number:02}"))
        for kind, (corpus, count) in kinds.items()
        for number in range(count)
    ]
    # Both kinds run side by side from the beginning to the end.
    return Corpus("conversations", tuple(dialogue for _, dialogue in sorted(copies, key=lambda copy: copy[0])))


def turns_in(corpus: Corpus) -> int:
    """How many utterances it has."""
    return sum(len(dialogue.utterances) for dialogue in corpus.dialogues)


def moments(rng: random.Random, *, blows: int, turns: int) -> list[float]:
    """When to strike, counted in turns sent: a random moment in every equal part of the replay."""
    return [turns * (number + rng.random()) / blows for number in range(blows)]


class Turns:
    """Counts what a replay has sent, for those who wait for a moment of it."""

    def __init__(self) -> None:
        self._sent = 0
        self._over = False
        self._changed = Condition()

    def hear(self, what: Sent | Skipped) -> None:
        with self._changed:
            self._sent += 1
            self._changed.notify_all()

    def finish(self) -> None:
        """Nothing more will be sent."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait_for(self, moment: float, *, pace_s: float) -> None:
        """Return at a moment; what is behind its point is the time since that turn, of `pace_s` to the next."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._sent >= int(moment))
        time.sleep((moment % 1.0) * pace_s)


def play(
    corpus: Corpus,
    *,
    bootstrap: str,
    run: str,
    speed: float | None,
    at_once: int = AT_ONCE,
    blows: Sequence[float] = (),
    strike: Callable[[], Blow] | None = None,
) -> list[Blow]:
    """Replay, strike at the moments of `blows`, and return when every dialogue has ended.

    Raises `AssertionError` where that never comes.
    """
    turns = Turns()
    publisher = KafkaPublisher(bootstrap=bootstrap)
    reader = KafkaReader(bootstrap=bootstrap, topics=[TURNS, DIALOGUES], from_beginning=False)
    player = Replay(
        publisher=publisher,
        clock=SystemClock(),
        wait=time.sleep,
        report=turns.hear,
        run=run,
        speed=speed,
        at_once=at_once,
    )

    def strike_all() -> list[Blow]:
        struck = []
        for moment in blows:
            turns.wait_for(moment, pace_s=TURN_S / at_once / (speed or math.inf))
            if strike is not None:
                struck.append(strike())
        return struck

    with ThreadPoolExecutor(max_workers=2) as threads:
        striking = threads.submit(strike_all)
        replaying = threads.submit(player.play, corpus)
        replaying.add_done_callback(lambda _: turns.finish())
        _hear_out(reader, replaying, dialogues=len(corpus.dialogues), run=run)
        struck = striking.result()
    reader.close()
    publisher.close()
    return struck


def whole_log(bootstrap: str) -> list[Incoming]:
    """Everything on every topic, in the order of each partition."""
    reader = KafkaReader(bootstrap=bootstrap, topics=ALL_TOPICS, from_beginning=True)
    try:
        return list(read_all(reader))
    finally:
        reader.close()


def recovery(blow: Blow, records: Iterable[Incoming]) -> Recovery | None:
    """What became of the partitions that a blow hit; None if there was nothing more to answer in them."""
    after = [
        record
        for record in records
        if record.position.topic == TURNS
        and record.position.partition in blow.partitions
        and record.timestamp_s > blow.at_s
    ]
    if not after:
        return None
    first = min(after, key=lambda record: record.timestamp_s)
    spoken_s = datetime.fromisoformat(read_attributes(first.headers)["time"]).timestamp()
    return Recovery(round(first.timestamp_s - blow.at_s, 3), round(first.timestamp_s - max(blow.at_s, spoken_s), 3))


def _turned(dialogue: CorpusDialogue, *, by: int, name: str) -> CorpusDialogue:
    by %= len(dialogue.utterances)
    return CorpusDialogue(name, (*dialogue.utterances[by:], *dialogue.utterances[:by]))


def _hear_out(reader: KafkaReader, replaying: "Future[Replayed]", *, dialogues: int, run: str) -> None:
    ended: set[str] = set()
    heard_s = time.monotonic()
    while len(ended) < dialogues:
        assert time.monotonic() - heard_s < PATIENCE_S, f"{dialogues - len(ended)} dialogues did not end"
        if replaying.done():
            replaying.result()
        try:
            records = reader.read(timeout_s=1.0)
        except TransportUnavailable:
            continue
        own = [record for record in records if (record.key or "").startswith(f"{run}-")]
        if own:
            heard_s = time.monotonic()
        for record in own:
            if record.position.topic == DIALOGUES:
                if DialogueEvent.model_validate_json(record.value or b"").status == "ended":
                    ended.add(record.key or "")
