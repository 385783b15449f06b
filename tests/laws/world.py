"""A small world to break: a log, a store, a pipeline that remembers everything it ever saw, and points to crash at."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from engine.answers import Answering
from engine.clock import ManualClock
from engine.errors import BadSegment
from engine.loop import PartitionLoop
from engine.metrics import Figures
from engine.pipeline import Arrival, Stepped
from engine.signals import StepOutcome, StepRequest
from engine.state.memory import MemoryStore
from engine.transport.base import Incoming, Outgoing, Transport
from engine.transport.memory import MemoryBroker
from schemas.cloudevents import MalformedHeaders, event_headers, read_attributes, read_segment, segment_headers
from schemas.events import EventKind
from schemas.record import DialogueRecord, OutboxEntry
from schemas.segment import Segment
from schemas.topics import DEAD_LETTER_TYPE, DEAD_LETTERS, SEGMENT_TYPE, SEGMENTS, STATES, TURN_TYPE, TURNS
from tests.faults.transport import ForgetfulTransport

GROUP = "engine"
RECENT = 64


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


class Points:
    """Counts the places where a process can die, and lets it die at one of them."""

    def __init__(self, fatal: int | None = None) -> None:
        self.passed = 0
        self.fatal = fatal
        self.names: list[str] = []

    def at(self, name: str) -> None:
        number, self.passed = self.passed, self.passed + 1
        self.names.append(name)
        if number == self.fatal:
            raise Crash(name)


class Breaking:
    """A part whose every effect is a point before and a point after."""

    def __init__(self, inner: object, points: Points, effects: Sequence[str]) -> None:
        self._inner = inner
        self._points = points
        self._effects = effects

    def __getattr__(self, name: str):
        found = getattr(self._inner, name)
        if name not in self._effects:
            return found

        def effect(*args, **kwargs):
            self._points.at(f"before {name}")
            result = found(*args, **kwargs)
            self._points.at(f"after {name}")
            return result

        return effect


class Memory:
    """A pipeline with two events a segment, which say all the dialogue has seen, and which computation made them.

    The nonce is different each time, as the last bits of a batch are: whoever computes twice and publishes both
    is found out.
    """

    model_id = "toy"

    def __init__(self, nonces: "count[int]", on_prepare: Callable[[Arrival], None] = lambda arrival: None) -> None:
        self._nonces = nonces
        self._on_prepare = on_prepare

    def read(self, incoming: Incoming) -> Arrival:
        try:
            return Arrival(incoming=incoming, segment=read_segment(incoming.key, incoming.headers))
        except MalformedHeaders as error:
            raise BadSegment(str(error)) from error

    def prepare(self, arrival: Arrival, record: DialogueRecord | None) -> "Asked":
        self._on_prepare(arrival)
        return Asked(arrival, record)

    def finish(self, prepared: "Asked", outcome: StepOutcome | None) -> Stepped:
        arrival, before = prepared.arrival, prepared.record
        history = (before.state if before else b"") + (arrival.incoming.value or b"") + b";"
        record = go_on(arrival, before).model_copy(update={"state": history, "turns": history.count(b";")})
        value = {"history": history.decode(), "nonce": next(self._nonces)}
        events = tuple(entry(arrival, record, "turn", {**value, "index": index}, index=index) for index in range(2))
        return Stepped(record=record, events=events, tally=("turns",) * len(events))

    def reject(
        self, arrival: Arrival, record: DialogueRecord | None, *, error: Exception, stage: str, attempts: int
    ) -> Stepped:
        value = {"error": f"{type(error).__name__}: {error}", "stage": stage, "attempts": attempts}
        value["nonce"] = next(self._nonces)
        after = go_on(arrival, record)
        return Stepped(record=after, events=(entry(arrival, after, "dead-letter", value),))

    def refuse(self, arrival: Arrival, record: DialogueRecord, *, error: Exception) -> Sequence[Outgoing]:
        return self.orphan(arrival.incoming, error=error)

    def orphan(self, incoming: Incoming, *, error: Exception) -> Sequence[Outgoing]:
        headers = event_headers(event_id=str(incoming.position), event_type=DEAD_LETTER_TYPE, dialogue_id="none")
        value = json.dumps({"error": str(error)}).encode()
        return (Outgoing(topic=DEAD_LETTERS, key=incoming.key or "none", value=value, headers=headers),)


class Asked:
    """What the toy pipeline prepares: always something to infer."""

    request = StepRequest(tensors={}, turns=())

    def __init__(self, arrival: Arrival, record: DialogueRecord | None) -> None:
        self.arrival = arrival
        self.record = record


def go_on(arrival: Arrival, before: DialogueRecord | None) -> DialogueRecord:
    segment, position = arrival.segment, arrival.incoming.position
    record = before or DialogueRecord(
        dialogue_id=segment.dialogue_id, incarnation=str(position), position=position, model_id="toy"
    )
    sequence = max(segment.sequence, record.sequences.get(segment.source, 0))
    return record.model_copy(
        update={
            "version": record.version + 1,
            "position": position,
            "sequences": {**record.sequences, segment.source: sequence},
            "recent_ids": (*record.recent_ids, segment.origin)[-RECENT:],
            "outbox": (),
        }
    )


def entry(
    arrival: Arrival, record: DialogueRecord, kind: EventKind, value: Mapping[str, object], *, index: int = 0
) -> OutboxEntry:
    segment = arrival.segment
    answering = Answering(
        segment=segment, position=arrival.incoming.position, incarnation=record.incarnation, model_id="toy"
    )
    identity = answering.id(kind, index)
    topic, event_type = (TURNS, TURN_TYPE) if kind == "turn" else (DEAD_LETTERS, DEAD_LETTER_TYPE)
    headers = event_headers(event_id=identity, event_type=event_type, dialogue_id=segment.dialogue_id)
    body = json.dumps({"text": arrival.incoming.value.decode(), **value}).encode()
    return OutboxEntry(
        position=arrival.incoming.position, topic=topic, key=segment.dialogue_id, headers=headers, value=body
    )


class Answers:
    """Models that answer at once; `on_infer` may break them."""

    model_id = "toy"

    def __init__(self, on_infer: Callable[[Sequence[StepRequest]], None] = lambda wave: None) -> None:
        self._on_infer = on_infer

    def infer(self, wave: Sequence[StepRequest]) -> Sequence[StepOutcome]:
        self._on_infer(wave)
        return [StepOutcome(tensors={}, estimates=()) for _ in wave]


class World:
    """The log, the store and the clock that outlive every process."""

    def __init__(self, *, partitions: int = 3, commit_every_s: float = 0.0) -> None:
        self.clock = ManualClock()
        self.broker = MemoryBroker(partitions=partitions, clock=self.clock)
        self.store = MemoryStore(clock=self.clock)
        self.nonces = count()
        self.metrics = Figures()
        self.commit_every_s = commit_every_s
        self._names = count()

    @property
    def counts(self) -> Counter[str]:
        """What all workers have counted; what was never counted is 0."""
        return Counter(self.metrics.read().counts)

    def produce(self, dialogue_id: str, sequence: int, *, value: str | None = None, **changes: object) -> None:
        segment = Segment.model_validate(
            {
                "dialogue_id": dialogue_id,
                "id": f"{dialogue_id}-{sequence}",
                "source": "test",
                "type": SEGMENT_TYPE,
                "sequence": sequence,
                "starttime": float(sequence),
                "endtime": sequence + 1.0,
                **changes,
            }
        )
        body = value if value is not None else f"{dialogue_id}.{sequence}"
        self.broker.append(
            Outgoing(topic=SEGMENTS, key=dialogue_id, value=body.encode(), headers=segment_headers(segment))
        )

    def converse(self, *, dialogues: int, segments: int) -> None:
        for sequence in range(segments):
            for number in range(dialogues):
                self.produce(f"d{number}", sequence)

    def worker(
        self,
        *,
        points: Points | None = None,
        on_their_way: int = 0,
        on_prepare: Callable[[Arrival], None] = lambda arrival: None,
        on_infer: Callable[[Sequence[StepRequest]], None] = lambda wave: None,
        transport: Transport | None = None,
        store: object = None,
        **settings: object,
    ) -> "Worker":
        inner = transport or ForgetfulTransport(
            broker=self.broker,
            group=GROUP,
            topics=[SEGMENTS],
            member=f"w{next(self._names)}",
            on_their_way=on_their_way,
        )
        return Worker(self, inner, points or Points(), Memory(self.nonces, on_prepare), on_infer, store, settings)

    def snapshots(self) -> Sequence[tuple[str, bytes | None]]:
        return [(record.key or "", record.value) for record in self.broker.records(STATES)]

    def expected(self, *, dialogues: int, segments: int) -> dict[str, list[str]]:
        return {f"d{number}": [f"d{number}.{sequence}" for sequence in range(segments)] for number in range(dialogues)}

    def done(self) -> bool:
        """Whether everything that was produced is answered, flushed and committed."""
        committed = self.broker.committed(GROUP)
        partitions = self.broker.partitions_of(SEGMENTS)
        return all(committed.get(partition, 0) == self.broker.end(partition) for partition in partitions)

    def log(self, topic: str = TURNS) -> dict[str, list[tuple[str, str]]]:
        """By dialogue, the id and the content of every event in order of first occurrence, without the nonce.

        Fails if one id has two contents, nonce included.
        """
        contents: dict[str, bytes] = {}
        log: dict[str, list[tuple[str, str]]] = {}
        for record in self.broker.records(topic):
            identity = read_attributes(record.headers)["id"]
            value = record.value or b""
            if identity not in contents:
                body = {name: one for name, one in json.loads(value).items() if name != "nonce"}
                log.setdefault(record.key or "", []).append((identity, json.dumps(body, sort_keys=True)))
            assert contents.setdefault(identity, value) == value, f"{identity} has two contents"
        return log

    def texts(self, topic: str = TURNS) -> dict[str, list[str]]:
        """By dialogue, the media of the segments that were answered, in order."""
        return {
            dialogue: list(dict.fromkeys(json.loads(content)["text"] for _, content in events))
            for dialogue, events in self.log(topic).items()
        }


class Worker:
    """A process: its loop, and its way to die."""

    def __init__(self, world, transport, points, pipeline, on_infer, store, settings) -> None:
        self.world = world
        self.transport = transport
        self.points = points
        self.loop = PartitionLoop(
            transport=Breaking(transport, points, ("poll", "publish", "flush", "commit")),
            store=Breaking(store or world.store, points, ("load", "commit", "count_attempt", "clear_attempts")),
            models=Breaking(Answers(on_infer), points, ("infer",)),
            pipeline=pipeline,
            snapshots=world.snapshots,
            clock=world.clock,
            metrics=world.metrics,
            commit_every_s=world.commit_every_s,
            poll_s=0.0,
            wait=world.clock.advance,
            **settings,
        )

    def turn(self) -> bool:
        """One turn; False if the process died in it."""
        self.world.clock.advance(0.1)
        try:
            self.loop.turn()
        except Crash:
            self.transport.crash()
            return False
        return True

    def work(self, *, turns: int = 400) -> bool:
        """Turn until everything is done; False if the process died before."""
        for _ in range(turns):
            if not self.turn():
                return False
            if self.world.done():
                return True
        raise AssertionError(f"not done after {turns} turns")
