"""The commit order, and nothing else: what makes a segment done, so that no crash loses or forges an event.

1. Load the records of the wave's dialogues.
2. Classify each segment: new, a replay, its producer's duplicate, or out of its producer's order.
3. Step what is new.
4. Write the records, each with its outbox, by compare-and-set on the version. A lost race: stop, publish nothing.
5. Publish the events, then the snapshots.
6. Flush, and see every record acknowledged.
7. Commit the offsets below which everything is done; not necessarily at once, for a replay gives the same bytes.

Steps 5 to 7 are what a transaction of the broker will hold where exactly-once delivery is asked for.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from engine.clock import Clock
from engine.errors import LostOwnership, TransportUnavailable
from engine.metrics import Metrics
from engine.state.base import Loaded, Store
from engine.state.codec import encode_record
from engine.tracing import Stage, Trace, spans
from engine.transport.base import Incoming, Outgoing, Partition, Transport
from schemas.cloudevents import event_headers, read_attributes
from schemas.record import DialogueRecord, OutboxEntry, Position
from schemas.segment import Segment
from schemas.topics import ALERTS, DEAD_LETTERS, STATE_TYPE, STATES


class Member(Protocol):
    """A segment of a wave."""

    @property
    def incoming(self) -> Incoming:
        """The record it came as."""
        ...

    @property
    def segment(self) -> Segment:
        """What its headers say."""
        ...


class Answer(Protocol):
    """A dialogue after a segment: version one higher, position the segment's, the outbox still empty."""

    @property
    def record(self) -> DialogueRecord:
        """What will lie in the store."""
        ...

    @property
    def events(self) -> tuple[OutboxEntry, ...]:
        """What the segment is answered with, in order."""
        ...

    @property
    def tally(self) -> tuple[str, ...]:
        """The counts it adds one to."""
        ...

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What was done for it."""
        ...


M = TypeVar("M", bound=Member)


@dataclass(frozen=True, slots=True)
class Fresh(Generic[M]):
    """A segment that is new to its dialogue, and what is known before it steps."""

    member: M
    record: DialogueRecord | None
    attempts: int
    """How often it was begun alone before, by whichever worker."""

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return self.member.incoming.position


class Verdict(Enum):
    """What a segment is to its dialogue."""

    NEW = auto()
    REPLAY = auto()
    """The dialogue's record has gone past it."""
    DUPLICATE = auto()
    """Its producer sent it again."""
    BACKWARDS = auto()
    """Its sequence goes back, and yet it was never seen."""


def classify(record: DialogueRecord | None, position: Position, segment: Segment) -> Verdict:
    """Judge by position first, then by what the producer says; a redrive passes the producer's rule."""
    if record is None:
        return Verdict.NEW
    if record.position.covers(position):
        return Verdict.REPLAY
    if segment.redriveof is not None:
        return Verdict.NEW
    last = record.sequences.get(segment.source)
    if segment.origin in record.recent_ids or segment.sequence == last:
        return Verdict.DUPLICATE
    return Verdict.BACKWARDS if last is not None and segment.sequence < last else Verdict.NEW


class Offsets:
    """Which records of one partition are done, from the first that was delivered to its owner."""

    def __init__(self, first: Position) -> None:
        self.topic_id = first.topic_id
        self._pending: set[int] = set()
        self._last = self._committed = first.offset

    def deliver(self, position: Position) -> None:
        """A record was read and is to be worked on."""
        self._pending.add(position.offset)
        self._last = max(self._last, position.offset)

    def finish(self, position: Position) -> None:
        """Everything the record is answered with was acknowledged."""
        self._pending.discard(position.offset)

    def pending(self, position: Position) -> bool:
        """Whether the record was delivered and is not done."""
        return position.topic_id == self.topic_id and position.offset in self._pending

    def seen(self, position: Position) -> bool:
        """Whether what answers this position was acknowledged.

        That holds for what this owner has finished, and for what lies below the first record it was given:
        an offset is committed only when everything below it was flushed.
        """
        return position.topic_id == self.topic_id and position.offset <= self._last and not self.pending(position)

    @property
    def due(self) -> int | None:
        """The offset to commit, if it has grown since the last one."""
        below = min(self._pending, default=self._last + 1)
        return below if below > self._committed else None

    def committed(self, offset: int) -> None:
        """The broker has it."""
        self._committed = max(self._committed, offset)


class Checkpoint:
    """Takes waves through the commit, and keeps account of the partitions it owns."""

    def __init__(
        self,
        *,
        store: Store,
        transport: Transport,
        clock: Clock,
        metrics: Metrics,
        rebuild: Callable[[], None],
        ttl_s: float,
        commit_every_s: float,
        trace: Trace | None = None,
    ) -> None:
        self._store = store
        self._transport = transport
        self._clock = clock
        self._metrics = metrics
        self._rebuild = rebuild
        self._ttl_s = ttl_s
        self._commit_every_s = commit_every_s
        self._trace = trace
        self._offsets: dict[Partition, Offsets | None] = {}
        self._committed_at_s = clock.monotonic_s()

    @property
    def owned(self) -> frozenset[Partition]:
        """The partitions this worker answers for."""
        return frozenset(self._offsets)

    def take(self, partitions: Iterable[Partition]) -> None:
        """Own partitions from their next record on."""
        self._offsets.update(dict.fromkeys(partitions))

    def release(self, partitions: frozenset[Partition]) -> None:
        """Own them no more: nothing of them is written, published or committed from here on."""
        self._offsets = {partition: kept for partition, kept in self._offsets.items() if partition not in partitions}

    def deliver(self, position: Position) -> bool:
        """A record was read; says whether it is the first of its partition."""
        partition = (position.topic, position.partition)
        offsets = self._offsets[partition]
        is_first = offsets is None or offsets.topic_id != position.topic_id
        if offsets is None or is_first:
            offsets = self._offsets[partition] = Offsets(position)
        offsets.deliver(position)
        return is_first

    def pending(self, position: Position) -> bool:
        """Whether a record is still this worker's to finish."""
        offsets = self._offsets.get((position.topic, position.partition))
        return offsets is not None and offsets.pending(position)

    def run(
        self,
        wave: Sequence[M],
        *,
        step: Callable[[Sequence[Fresh[M]]], Mapping[Position, Answer]],
        refuse: Callable[[M, DialogueRecord], Sequence[Outgoing]],
    ) -> None:
        """Take a wave through the commit. A segment that `step` leaves unanswered stays pending.

        Raises `Unavailable`, after which the same wave may be run again from the start: what was already
        written is a replay then. Raises `LostOwnership` and `PublishFailed`, after which the worker has to stop.
        """
        # Step 1. Load.
        around: list[Stage] = []
        with self._timed("load", around):
            loaded = self._load(wave)

        # Step 2. Classify.
        fresh: list[Fresh[M]] = []
        done: list[Position] = []
        due: list[Outgoing] = []
        for member in wave:
            position, record = member.incoming.position, loaded.records.get(member.segment.dialogue_id)
            verdict = classify(record, position, member.segment)
            if verdict is Verdict.NEW:
                fresh.append(Fresh(member=member, record=record, attempts=loaded.attempts.get(position, 0)))
                continue
            done.append(position)
            self._metrics.count(verdict.name.lower())
            if record is not None:
                due.extend(refuse(member, record) if verdict is Verdict.BACKWARDS else _again(record, position))

        # Step 3. Step.
        answers = step(fresh) if fresh else {}

        # Step 4. Write.
        kept = [one for one in fresh if one.position in answers and self.pending(one.position)]
        written = [self._with_outbox(answers[one.position], one.record) for one in kept]
        if written:
            with self._timed("store", around):
                self._write(written)

        # Step 5. Publish.
        events = [entry for record in written for entry in record.outbox]
        due.extend(_outgoing(entry) for entry in events)
        due.extend(_snapshot(record) for record in written)
        if due:
            with self._timed("publish", around):
                self._transport.publish(due)

                # Step 6. Flush.
                self._transport.flush()
        self._finish([*done, *(record.position for record in written)])
        for one in kept:
            self._observe(one.member, answers[one.position], around)
        self._metrics.count("segments", len(written))
        self._metrics.count("events", len(events))
        self._metrics.count("dead_letters", sum(record.topic == DEAD_LETTERS for record in due))
        self._metrics.count("alerts", sum(entry.topic == ALERTS for entry in events))

        # Step 7. Commit the offsets.
        self.commit_if_due()

    def bury(self, letters: Mapping[Position, Sequence[Outgoing]]) -> None:
        """Publish what answers records that belong to no dialogue; their position makes the bytes what they are."""
        due = [record for position, records in letters.items() if self.pending(position) for record in records]
        self._transport.publish(due)
        self._transport.flush()
        self._finish(letters)
        self._metrics.count("dead_letters", len(due))

    def commit_if_due(self) -> None:
        """Commit the offsets if the last time is long enough ago; a broker that is away is asked again later."""
        now_s = self._clock.monotonic_s()
        if now_s - self._committed_at_s < self._commit_every_s:
            return
        try:
            self.commit(self.owned)
        except TransportUnavailable:
            self._metrics.count("offset_commits_put_off")
        self._committed_at_s = now_s

    def commit(self, partitions: Collection[Partition]) -> None:
        """Commit what is done of these partitions, as far as they are owned. Offsets only grow."""
        grown = {
            partition: (offsets, offset)
            for partition in partitions
            if (offsets := self._offsets.get(partition)) is not None and (offset := offsets.due) is not None
        }
        if grown:
            self._transport.commit({partition: offset for partition, (_, offset) in grown.items()})
            for offsets, offset in grown.values():
                offsets.committed(offset)

    def _load(self, wave: Sequence[M]) -> Loaded:
        dialogues = [member.segment.dialogue_id for member in wave]
        positions = [member.incoming.position for member in wave]
        loaded = self._store.load(dialogues, attempts_of=positions)
        if loaded.epoch is None:
            # A store without an epoch is new or has lost everything, and no missing key would tell.
            self._rebuild()
            loaded = self._store.load(dialogues, attempts_of=positions)
        return loaded

    def _write(self, records: Sequence[DialogueRecord]) -> None:
        lost = self._store.commit(records, ttl_s=self._ttl_s)
        if lost:
            self._metrics.count("lost_races", len(lost))
            raise LostOwnership(f"another worker has written {len(lost)} of these dialogues, the first {min(lost)}")

    def _with_outbox(self, answer: Answer, before: DialogueRecord | None) -> DialogueRecord:
        """The record with its new entries, behind those whose flush this owner cannot vouch for.

        Those can only come from another partition or another making of the topic, whose replay may never come
        this way: they are published along, under this segment's position, and so dropped at the next write.
        """
        position = answer.record.position
        unseen = [
            entry.model_copy(update={"position": position})
            for entry in (before.outbox if before is not None else ())
            if not self._seen(entry.position)
        ]
        return answer.record.model_copy(update={"outbox": (*unseen, *answer.events)})

    def _seen(self, position: Position) -> bool:
        offsets = self._offsets.get((position.topic, position.partition))
        return offsets is not None and offsets.seen(position)

    @contextmanager
    def _timed(self, name: str, stages: list[Stage]) -> Iterator[None]:
        wall_s, began_s = self._clock.wall_s(), self._clock.monotonic_s()
        yield
        seconds = self._clock.monotonic_s() - began_s
        self._metrics.observe(name, seconds)
        stages.append(Stage(name, wall_s, seconds))

    def _observe(self, member: Member, answer: Answer, around: Sequence[Stage]) -> None:
        """The figures and the spans of a segment whose events are safe; `around` is what its wave had in common."""
        segment = member.segment
        if segment.time is not None:
            # From the end of the utterance, by its producer's clock.
            self._metrics.observe("latency", self._clock.wall_s() - segment.time.timestamp())
        for name in answer.tally:
            self._metrics.count(name)
        for stage in answer.stages:
            self._metrics.observe(stage.name, stage.seconds)
        if self._trace is not None:
            outcome = "dead_letter" if any(entry.topic == DEAD_LETTERS for entry in answer.events) else "answered"
            parent = read_attributes(member.incoming.headers).get("traceparent")
            stages = sorted((*around, *answer.stages), key=lambda stage: stage.began_s)
            self._trace(spans(segment, member.incoming.position, stages, parent=parent, outcome=outcome))

    def _finish(self, positions: Iterable[Position]) -> None:
        for position in positions:
            offsets = self._offsets.get((position.topic, position.partition))
            if offsets is not None:
                offsets.finish(position)


def _again(record: DialogueRecord, position: Position) -> list[Outgoing]:
    """What answers a position and still stands in the outbox, found by position: its index means nothing."""
    again = [_outgoing(entry) for entry in record.outbox if entry.position == position]
    if record.position == position:
        again.append(_snapshot(record))
    return again


def _outgoing(entry: OutboxEntry) -> Outgoing:
    return Outgoing(topic=entry.topic, key=entry.key, value=entry.value, headers=entry.headers)


def _snapshot(record: DialogueRecord) -> Outgoing:
    headers = event_headers(
        event_id=f"{record.incarnation}/{record.version}",
        event_type=STATE_TYPE,
        dialogue_id=record.dialogue_id,
        content_type="application/octet-stream",
    )
    return Outgoing(topic=STATES, key=record.dialogue_id, value=encode_record(record), headers=headers)
