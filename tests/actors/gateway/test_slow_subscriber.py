"""A subscriber that takes nothing is cut with a last word, and nobody else waits for it."""

import asyncio
from collections.abc import Sequence

import pytest

from actors.gateway.app import create_app
from actors.gateway.conversations import Conversations
from actors.gateway.cursor import read_cursor
from actors.gateway.feed import Feed
from actors.gateway.limits import RateLimit, Room
from actors.gateway.outbound import Outbound
from actors.gateway.parts import Parts
from actors.gateway.subscription import Ended
from actors.gateway.tokens import SCOPES, Access, Tokens
from actors.gateway.told import Told, tell
from engine.clock import SystemClock
from engine.errors import Unavailable
from engine.transport.base import Incoming
from engine.transport.memory import MemoryPublisher
from schemas.record import Position
from schemas.topics import TURNS
from tests.actors.gateway.opened import OWNER, Log, turn_event

ROOM = 8
PLACE = (TURNS, 0)


def told(first: int, count: int) -> Sequence[Told]:
    records = [
        Incoming(
            position=Position(topic=TURNS, partition=0, offset=offset),
            key="call",
            value=turn_event("call", offset).model_dump_json().encode(),
        )
        for offset in range(first, first + count)
    ]
    found = [tell(record, {PLACE: record.position.offset + 1}) for record in records]
    return [one for one in found if one is not None]


def opened_feed(log: Log, *, subscribers: int = 10) -> Feed:
    feed = Feed(conversations=Conversations(room=100), open_reader=log.open_reader, room=ROOM, subscribers=subscribers)
    feed.begin({PLACE: 0})
    feed.catch_up()
    return feed


def test_who_keeps_up_hears_all_and_who_does_not_is_told():
    async def story() -> None:
        feed = opened_feed(Log())
        quick, slow = await feed.subscribe(), await feed.subscribe()
        heard: list[int] = []
        for first in range(0, 4 * ROOM, 4):
            feed.hear(told(first, 4))
            heard += [one.offset for one in await quick.read(timeout_s=0.0)]
        assert heard == list(range(4 * ROOM))
        with pytest.raises(Ended, match="slow"):
            await slow.read(timeout_s=0.0)
        assert feed.listening == 2
        slow.close()
        slow.close()
        assert feed.listening == 1

    asyncio.run(story())


def test_there_are_only_so_many_subscribers():
    async def story() -> None:
        feed = opened_feed(Log(), subscribers=1)
        only = await feed.subscribe()
        with pytest.raises(Unavailable, match="1 subscribers"):
            await feed.subscribe()
        only.close()
        (await feed.subscribe()).close()

    asyncio.run(story())


def test_a_feed_that_closes_ends_everybody():
    async def story() -> None:
        feed = opened_feed(Log())
        listening = await feed.subscribe()
        reading = asyncio.create_task(listening.read(timeout_s=60.0))
        await asyncio.sleep(0)
        feed.close()
        with pytest.raises(Ended, match="closing"):
            await reading

    asyncio.run(story())


class Stalled:
    """The other end of a connection, which takes one chunk and then nothing until it is let go."""

    def __init__(self) -> None:
        self.body = b""
        self.took = asyncio.Event()
        self.go = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, object]:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            self.took.set()
            await self.go.wait()
            body = message.get("body", b"")
            assert isinstance(body, bytes)
            self.body += body


def test_a_stalled_connection_ends_with_why_and_from_where_to_go_on():
    async def story() -> bytes:
        log = Log()
        feed = opened_feed(log)
        parts = parts_around(feed, log)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/v1/events",
            "raw_path": b"/v1/events",
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {OWNER}".encode())],
        }
        end = Stalled()
        streaming = asyncio.create_task(create_app(parts)(scope, end.receive, end.send))
        await end.took.wait()
        feed.hear(told(0, 3 * ROOM))
        end.go.set()
        await streaming
        await asyncio.to_thread(parts.outbound.close)
        assert feed.listening == 0
        return end.body

    said = asyncio.run(story()).decode()
    assert said.rstrip().splitlines()[-2] == "event: end"
    assert "too slowly" in said
    (last_id,) = {line.removeprefix("id: ") for line in said.splitlines() if line.startswith("id: ")}
    assert read_cursor(last_id) == {PLACE: 0}


def parts_around(feed: Feed, log: Log) -> Parts:
    clock = SystemClock()
    return Parts(
        tokens=Tokens([(OWNER, Access("owner", SCOPES))]),
        rate=RateLimit(per_s=1.0, burst=10, clock=clock),
        room=Room(most_bytes=1000),
        feed=feed,
        outbound=Outbound(open_publisher=lambda: MemoryPublisher(broker=log.broker)),
        store=log.store,
        clock=clock,
        metrics=log.figures,
        most_bytes=1000,
        heartbeat_s=60.0,
        reading=lambda: True,
    )
