"""The loop of a worker: poll, waves, commit; the same in a test and in an actor."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TypeVar

from engine.attempts import Attempts
from engine.checkpoint import Checkpoint
from engine.clock import Clock
from engine.errors import BadSegment, LostOwnership, Unavailable
from engine.metrics import Metrics
from engine.models import Models
from engine.pipeline import Arrival, Pipeline
from engine.rebuild import Snapshots, rebuild
from engine.schedule import Backlog
from engine.state.base import Store
from engine.tracing import Trace, entered
from engine.transport.base import Incoming, Outgoing, Partition, Polled, Transport
from engine.wave import Wave
from schemas.record import DialogueRecord, Position

T = TypeVar("T")

_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
"""Between tries while a server is away; the last one for as long as it takes."""

_log = logging.getLogger(__name__)


class PartitionLoop:
    """Owns what the group gives it, and takes every segment of it through the commit, in order.

    `run` serves until it is told to stop; `turn` is one poll and one wave. All of it happens on the caller's thread,
    but for the pipeline's and the models' work, which runs in `threads` threads while this one keeps the heartbeat.
    The store and the models belong to whoever made them; the transport is closed by `run`. `trace`, where there is
    one, is given the spans of every segment that is done.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        store: Store,
        models: Models,
        pipeline: Pipeline,
        snapshots: Snapshots,
        clock: Clock,
        metrics: Metrics,
        wave_most: int = 32,
        backlog_most: int = 256,
        threads: int = 2,
        attempts_most: int = 3,
        attempts_ttl_s: float = 86_400.0,
        record_ttl_s: float = 86_400.0,
        commit_every_s: float = 0.5,
        poll_s: float = 0.2,
        heartbeat_s: float = 0.5,
        trace: Trace | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._store = store
        self._pipeline = pipeline
        self._snapshots = snapshots
        self._metrics = metrics
        self._backlog_most = backlog_most
        self._record_ttl_s = record_ttl_s
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._trace = trace
        self._wait = wait
        self._stop = Event()
        self._paused = False
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="wave")
        self._backlog: Backlog[Arrival] = Backlog(wave_most=wave_most)
        self._unread: list[tuple[Incoming, BadSegment]] = []
        self._firsts: list[Position] = []
        self._attempts = Attempts(store=store, most=attempts_most, wave_most=wave_most, ttl_s=attempts_ttl_s)
        self._wave = Wave(
            pipeline=pipeline,
            models=models,
            attempts=self._attempts,
            beside=self._beside,
            clock=clock,
            metrics=metrics,
        )
        self._checkpoint = Checkpoint(
            store=store,
            transport=transport,
            clock=clock,
            metrics=metrics,
            rebuild=self._rebuild,
            trace=trace,
            ttl_s=record_ttl_s,
            commit_every_s=commit_every_s,
        )

    @property
    def owned(self) -> frozenset[Partition]:
        """The partitions this worker answers for now."""
        return self._checkpoint.owned

    def run(self, stop: Event) -> None:
        """Serve until `stop` is set, then drain: finish the wave, commit, leave the group.

        What raises out of here (`LostOwnership`, `PublishFailed`, anything unforeseen) has committed nothing
        that is not done; who takes over goes on from the last offset.
        """
        self._stop = stop
        try:
            while not stop.is_set():
                self.turn()
            self.drain()
        except Exception:
            self._transport.close()
            raise
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def turn(self) -> None:
        """One poll, and one wave if anything waits."""
        self._take()
        self._persist(self._greet)
        self._persist(self._bury)
        self._work(self._backlog.wave())
        self._checkpoint.commit_if_due()

    def drain(self) -> None:
        """Commit what is done and leave the group; what is not done is the next owner's."""
        self._hand_over(Polled(revoked=self._checkpoint.owned))
        self._transport.close()

    def _take(self) -> None:
        if self._paused:
            self._transport.resume(self._checkpoint.owned)
            self._paused = False
        timeout_s = 0.0 if self._backlog else self._poll_s
        # A full backlog still takes one, for every poll keeps the heartbeat; the wave takes at least one off.
        most = max(self._backlog_most - len(self._backlog), 1)
        self._persist(lambda: self._absorb(self._transport.poll(timeout_s=timeout_s, most=most)))
        self._metrics.level("queue", len(self._backlog))
        self._metrics.level("partitions", len(self._checkpoint.owned))

    def _heartbeat(self) -> None:
        """Tell the group that this member lives, and hear from it; records can wait."""
        self._transport.pause(self._checkpoint.owned)
        self._paused = True
        self._metrics.count("heartbeats")
        try:
            self._absorb(self._transport.poll(timeout_s=0.0, most=self._backlog_most))
        except Unavailable:
            self._metrics.count("heartbeats_missed")

    def _absorb(self, polled: Polled) -> None:
        self._hand_over(polled)
        self._checkpoint.take(polled.assigned)
        for incoming in polled.records:
            if self._checkpoint.deliver(incoming.position):
                self._firsts.append(incoming.position)
            try:
                arrival = self._pipeline.read(incoming)
            except BadSegment as error:
                self._unread.append((incoming, error))
                continue
            if self._trace is not None:
                arrival = replace(arrival, segment=entered(arrival.segment, incoming.position))
            partition = (incoming.position.topic, incoming.position.partition)
            self._backlog.add(arrival, dialogue_id=arrival.segment.dialogue_id, partition=partition)

    def _hand_over(self, polled: Polled) -> None:
        """Give partitions up: in order, with what is done committed, or at once where they were taken away."""
        if polled.revoked:
            try:
                self._checkpoint.commit(polled.revoked)
                self._attempts.leave(polled.revoked)
            except (Unavailable, LostOwnership) as error:
                _log.warning("partitions were given up without a last commit: %s", error)
        gone = polled.revoked | polled.lost
        if gone:
            self._attempts.lose(gone)
            self._checkpoint.release(gone)
            self._backlog.drop(gone)

    def _greet(self) -> None:
        while self._firsts:
            if self._checkpoint.pending(self._firsts[0]):
                self._attempts.enter(self._firsts[0])
            del self._firsts[0]

    def _bury(self) -> None:
        if self._unread:
            letters = {
                incoming.position: self._pipeline.orphan(incoming, error=error) for incoming, error in self._unread
            }
            self._checkpoint.bury(letters)
            self._unread.clear()

    def _work(self, wave: Sequence[Arrival]) -> None:
        """Every segment of a wave to its end; those it leaves over run alone, before any later one of theirs."""
        waves = deque([wave] if wave else [])
        while waves:
            members = waves.popleft()
            if not self._persist(partial(self._run, members)):
                return
            waves.extend([member] for member in self._mine(members))

    def _run(self, members: Sequence[Arrival]) -> None:
        mine = self._mine(members)
        if mine:
            self._checkpoint.run(mine, step=self._wave.step, refuse=self._refuse)
        left = self._mine(members)
        self._attempts.conclude(member.incoming.position for member in members if member not in left)

    def _mine(self, members: Sequence[Arrival]) -> list[Arrival]:
        return [member for member in members if self._checkpoint.pending(member.incoming.position)]

    def _refuse(self, arrival: Arrival, record: DialogueRecord) -> Sequence[Outgoing]:
        segment = arrival.segment
        error = BadSegment(
            f"sequence {segment.sequence} of source {segment.source} goes back: later ones have come, and the id "
            f"{segment.id} is new; a producer that begins again needs another source or another dialogue"
        )
        return self._pipeline.refuse(arrival, record, error=error)

    def _rebuild(self) -> None:
        (future,) = self._beside(
            [partial(rebuild, store=self._store, snapshots=self._snapshots, ttl_s=self._record_ttl_s)]
        )
        found = future.result()
        if found:
            _log.warning("the store had no epoch; %d dialogues were read from their snapshots", found)
        self._metrics.count("rebuilds")

    def _beside(self, calls: Sequence[Callable[[], T]]) -> Sequence[Future[T]]:
        futures = [self._pool.submit(call) for call in calls]
        while wait(futures, timeout=self._heartbeat_s).not_done:
            self._heartbeat()
        return futures

    def _persist(self, act: Callable[[], None]) -> bool:
        """Do it, again and again while a server is away; False: told to stop while it was."""
        tries = 0
        while True:
            try:
                act()
            except Unavailable as error:
                if self._stop.is_set():
                    return False
                self._metrics.count("retries")
                _log.warning("trying again: %s: %s", type(error).__name__, error)
                self._back_off(tries)
                tries += 1
            else:
                return True

    def _back_off(self, tries: int) -> None:
        left_s = _WAITS_S[min(tries, len(_WAITS_S) - 1)]
        while left_s > 0 and not self._stop.is_set():
            self._wait(min(left_s, self._heartbeat_s))
            left_s -= self._heartbeat_s
            self._heartbeat()
