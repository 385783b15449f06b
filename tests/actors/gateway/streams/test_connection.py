"""A socket's end on a real server: closed on purpose, or lost."""

from queue import Queue

import pytest
from fastapi import WebSocket
from websockets.sync.client import connect

from actors.gateway.streams.connection import Connection, HungUp
from tests.actors.gateway.opened import PATIENCE_S, Log, gateway


def closed(socket) -> None:
    socket.close()


def closed_without_a_code(socket) -> None:
    with socket.send_context():
        socket.protocol.send_close()


def lost(socket) -> None:
    socket.socket.shutdown(2)


@pytest.mark.parametrize(("end", "in_order"), [(closed, True), (closed_without_a_code, True), (lost, False)])
def test_a_socket_that_is_lost_was_not_closed(end, in_order):
    ends: Queue[bool] = Queue()

    async def take(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await Connection(websocket).receive(within_s=PATIENCE_S)
        except HungUp as gone:
            ends.put(gone.in_order)

    with gateway(Log(), furnish=lambda app, _: app.add_api_websocket_route("/here", take)) as client:
        address = client.url.replace("http", "ws", 1)
        with connect(f"{address}/here") as socket:
            end(socket)
            assert ends.get(timeout=PATIENCE_S) is in_order
