"""A spoken conversation, in a log and a store that outlive every process, and a way for processes to die."""

from collections.abc import Callable, Sequence
from itertools import count

from engine.clock import ManualClock
from engine.loop import PartitionLoop
from engine.metrics import Figures
from engine.models import Models
from engine.pipeline import Pipeline
from engine.state.memory import MemoryStore
from engine.transport.base import Incoming, Outgoing
from engine.transport.memory import MemoryBroker
from schemas.topics import ALERTS, DIALOGUES, SEGMENTS, STATES, TURNS
from tests.faults.transport import ForgetfulTransport
from tests.laws.world import Breaking, Crash, Points


class SpokenWorld:
    """The log, the store and the clock; `pipeline` makes the one of each process."""

    def __init__(self, models: Models, talk: Sequence[Incoming], pipeline: Callable[[], Pipeline]) -> None:
        self.models = models
        self.talk = talk
        self.pipeline = pipeline
        self.clock = ManualClock()
        self.broker = MemoryBroker(partitions=1, clock=self.clock)
        self.store = MemoryStore(clock=self.clock)
        self.names = count()
        for message in talk:
            self.broker.append(Outgoing(topic=SEGMENTS, key="d", value=message.value, headers=message.headers))

    def work(self, points: Points, *, on_their_way: int = 0) -> bool:
        """A process until everything is done; False if it died before."""
        transport = ForgetfulTransport(
            broker=self.broker,
            group="engine",
            topics=[SEGMENTS],
            member=f"w{next(self.names)}",
            on_their_way=on_their_way,
        )
        loop = PartitionLoop(
            transport=Breaking(transport, points, ("poll", "publish", "flush", "commit")),
            store=Breaking(self.store, points, ("load", "commit")),
            models=Breaking(self.models, points, ("infer",)),
            pipeline=self.pipeline(),
            snapshots=lambda: [(record.key or "", record.value) for record in self.broker.records(STATES)],
            clock=self.clock,
            metrics=Figures(),
            commit_every_s=0.0,
            poll_s=0.0,
            wait=self.clock.advance,
        )
        for _ in range(100):
            self.clock.advance(0.1)
            try:
                loop.turn()
            except Crash:
                transport.crash()
                return False
            if self.broker.committed("engine").get((SEGMENTS, 0), 0) == len(self.talk):
                return True
        raise AssertionError("not done after 100 turns")

    def log(self, *topics: str) -> list[tuple[str, bytes]]:
        """Every event of these topics, or of all, once, as it came first. Fails if one id has two contents."""
        contents: dict[str, bytes] = {}
        for topic in topics or (TURNS, DIALOGUES, ALERTS):
            for record in self.broker.records(topic):
                identity, value = dict(record.headers)["ce_id"].decode(), record.value or b""
                assert contents.setdefault(identity, value) == value, f"{identity} has two contents"
        return list(contents.items())
