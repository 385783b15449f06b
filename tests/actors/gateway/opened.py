"""A gateway over a log in memory, on a real socket, and what its tests say and hear through it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from uuid import uuid4

from fastapi import FastAPI
from pydantic import SecretStr

from actors.client import Client, Heard
from actors.gateway.cursor import Offsets
from actors.gateway.outbound import OpenPublisher
from actors.gateway.parts import Parts
from actors.gateway.server import GatewayServer
from actors.gateway.told import TOPICS
from engine.clock import SystemClock
from engine.config import GatewaySettings, GatewayToken
from engine.metrics import Figures
from engine.state.memory import MemoryStore
from engine.transport.base import Outgoing, Reader, Transport
from engine.transport.memory import MemoryBroker, MemoryPublisher, MemoryReader, MemoryTransport
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from schemas.labels import Emotion
from schemas.topics import TURNS

OWNER = "owner-token-of-the-tests"
LISTENER = "listener-token-of-the-tests"
PATIENCE_S = 30.0
"""Longer than anything here takes; what succeeds never waits for it."""


class Log:
    """Topics and a store in memory, which outlive the gateways before them."""

    def __init__(self, *, broker: MemoryBroker | None = None) -> None:
        self.broker = broker or MemoryBroker(partitions=2)
        self.store = MemoryStore()
        self.figures = Figures()
        self.readers = 0

    def open_reader(self, offsets: Offsets | None) -> Reader:
        self.readers += 1
        return MemoryReader(broker=self.broker, topics=TOPICS, from_beginning=True, offsets=offsets)

    def open_member(self, group: str) -> Transport:
        """As the port wants it: a group that never was begins at the end of the topics."""
        if not self.broker.committed(group):
            first = MemoryTransport(broker=self.broker, group=group, topics=TOPICS, member="the first")
            owned = first.poll(timeout_s=0.0, most=1).assigned
            first.commit({partition: self.broker.end(partition) for partition in owned})
            first.close()
        return MemoryTransport(broker=self.broker, group=group, topics=TOPICS, member=uuid4().hex)

    def say(self, dialogue_id: str, turn: int, *, speaker: str = "ann", label: Emotion = "joy") -> EmotionEvent:
        """One turn, as a worker would publish it."""
        event = turn_event(dialogue_id, turn, speaker=speaker, label=label)
        self.broker.append(Outgoing(TURNS, dialogue_id, event.model_dump_json().encode()))
        return event


def turn_event(
    dialogue_id: str, turn: int, *, speaker: str = "ann", label: Emotion = "joy", revision: int = 0
) -> EmotionEvent:
    return EmotionEvent(
        event_id=f"{dialogue_id}-{turn}-{revision}",
        dialogue_id=dialogue_id,
        turn=turn,
        speaker=speaker,
        start_s=2.0 * turn,
        end_s=2.0 * turn + 1.5,
        label=label,
        modalities=Modalities(audio=True, video=False),
        model_id="m",
        policy=PolicyDecision(allowed=True, rule="test"),
        state=StateNote(status="continued"),
        revision=revision,
    )


def server(
    log: Log,
    *,
    open_publisher: OpenPublisher | None = None,
    furnish: Callable[[FastAPI, Parts], None] | None = None,
    **settings: object,
) -> GatewayServer:
    """A gateway that listens on a free port and is not run yet, with what is not as it usually is."""
    return GatewayServer(
        settings=GatewaySettings.model_validate(
            {
                "port": 0,
                "token": SecretStr(OWNER),
                "tokens": (GatewayToken(name="desk", secret=SecretStr(LISTENER), scopes=("events:read",)),),
                **settings,
            }
        ),
        open_reader=log.open_reader,
        open_publisher=open_publisher or (lambda: MemoryPublisher(broker=log.broker)),
        store=log.store,
        clock=SystemClock(),
        metrics=log.figures,
        open_member=log.open_member,
        furnish=furnish or _nothing_more,
    )


@contextmanager
def gateway(
    log: Log,
    *,
    open_publisher: OpenPublisher | None = None,
    furnish: Callable[[FastAPI, Parts], None] | None = None,
    **settings: object,
) -> Iterator[Client]:
    """A gateway that runs, and a client of it with every scope."""
    running = server(log, open_publisher=open_publisher, furnish=furnish, **settings)
    thread = Thread(target=running.run)
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{running.port}", token=OWNER, wait=soon) as client:
            wait_ready(client)
            yield client
    finally:
        running.stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def wait_ready(client: Client) -> None:
    deadline_s = monotonic() + PATIENCE_S
    while not client.ready():
        assert monotonic() < deadline_s


def soon(_: float) -> None:
    """Not as long as a client waits otherwise."""
    Event().wait(0.01)


def turns(heard: Sequence[Heard]) -> list[tuple[str, int]]:
    return [(one.event["dialogue_id"], one.event["turn"]) for one in heard]


def _nothing_more(app: FastAPI, parts: Parts) -> None:
    pass
