"""What the plug-ins are tested with: a gateway with live streams over a log in memory, and a worker that answers."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from pydantic import SecretStr

from actors.client import Client
from actors.gateway.parts import Parts
from actors.gateway.streams.furnish import live_streams
from actors.plugins.uplink import Gateway
from engine.config import Config
from engine.transport.base import Outgoing
from engine.transport.memory import MemoryPublisher
from schemas.cloudevents import read_segment
from schemas.record import Position
from schemas.segment import DialogueStarted, Segment
from schemas.topics import SEGMENT_TYPE, SEGMENTS, STARTED_TYPE
from tests.actors.gateway.opened import OWNER, PATIENCE_S, Log, gateway


@dataclass
class Turntone:
    """What runs behind a plug-in."""

    log: Log
    client: Client
    gateway: Gateway
    parts: Parts

    def segments(self) -> list[Segment]:
        """Everything that was published, in order."""
        return [read_segment(record.key, record.headers) for record in self.log.broker.records(SEGMENTS)]

    def media(self) -> list[Segment]:
        """The utterances among it."""
        return [segment for segment in self.segments() if segment.type == SEGMENT_TYPE]

    def announced(self) -> list[DialogueStarted]:
        """Who was said to take part, each time."""
        records = self.log.broker.records(SEGMENTS)
        started = [one for one in records if read_segment(one.key, one.headers).type == STARTED_TYPE]
        return [DialogueStarted.model_validate_json(record.value) for record in started]

    async def listened_to(self) -> None:
        """Wait for a subscriber."""
        await self.until(lambda: self.parts.feed.listening)

    async def streaming(self) -> None:
        """Wait for a stream."""
        await self.until(lambda: self.log.figures.read().levels.get("streams"))

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait for something that will be so."""
        async with asyncio.timeout(PATIENCE_S):
            while not reached():
                await asyncio.sleep(0.01)


@contextmanager
def turntone(*, answers: bool = False, port: int = 0) -> Iterator[Turntone]:
    """A gateway on a real socket. answers: every utterance becomes a turn of its speaker at once, of joy."""
    log = Log()
    furnished: list[Parts] = []
    heard: list[Segment] = []

    class Publisher(MemoryPublisher):
        """Of that log, with a worker behind it."""

        def publish(self, records: Sequence[Outgoing]) -> None:
            super().publish(records)
            heard.extend(read_segment(record.key, record.headers) for record in records)

        def flush(self) -> Sequence[Position]:
            positions = super().flush()
            for segment in heard if answers else ():
                if segment.type == SEGMENT_TYPE:
                    log.say(segment.dialogue_id, segment.sequence, speaker=segment.speaker)
            heard.clear()
            return positions

    def furnish(app: FastAPI, parts: Parts) -> None:
        app.include_router(live_streams(Config(), parts))
        furnished.append(parts)

    with gateway(log, open_publisher=lambda: Publisher(broker=log.broker), furnish=furnish, port=port) as client:
        yield Turntone(log, client, Gateway(client.url, SecretStr(OWNER)), furnished[0])
