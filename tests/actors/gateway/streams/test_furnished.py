"""Live streams as the gateway has them: by its tokens, on its way to the broker."""

from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from actors.gateway.outbound import Outbound
from actors.gateway.streams.furnish import live_streams
from actors.gateway.tokens import Access, Tokens
from engine.clock import SystemClock
from engine.config import Config
from engine.metrics import Figures
from engine.transport.memory import MemoryBroker, MemoryPublisher
from schemas.topics import SEGMENTS
from tests.actors.gateway.streams.doors import START, until
from tests.engine.ingest.sources import talk


@pytest.fixture
def door():
    broker = MemoryBroker(partitions=1)
    outbound = Outbound(open_publisher=lambda: MemoryPublisher(broker=broker))
    known = [("writer", Access("desk", ("segments:write",))), ("reader", Access("wall", ("events:read",)))]
    parts = SimpleNamespace(tokens=Tokens(known), outbound=outbound, clock=SystemClock(), metrics=Figures())
    app = FastAPI()
    app.include_router(live_streams(Config(), parts))
    with TestClient(app) as client:
        yield client, broker
    outbound.close()


def test_who_may_write_segments_may_stream(door):
    client, broker = door
    with client.websocket_connect("/v1/streams") as socket:
        socket.send_json({**START, "token": "writer"})
        socket.send_bytes(talk(1).tobytes())
        socket.send_json({"type": "stop"})
        assert until(socket, "ended")[-1]["segments"] == 1
    assert len(broker.records(SEGMENTS)) == 2


@pytest.mark.parametrize("token", ["reader", "nobody", None])
def test_nobody_else_may(door, token):
    client, broker = door
    with client.websocket_connect("/v1/streams") as socket:
        socket.send_json({**START, "token": token})
        assert until(socket, "error")[-1]["code"] == "unauthorized"
    assert broker.records(SEGMENTS) == ()
