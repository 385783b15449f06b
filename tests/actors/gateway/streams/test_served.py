"""Live streams in a whole gateway, on a real socket: what its server does before the routes see anything."""

import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from actors.gateway.streams.furnish import live_streams
from actors.gateway.streams.limits import StreamLimits
from engine.config import Config, GatewaySettings, TwilioSettings
from tests.actors.gateway.opened import OWNER, Log, gateway
from tests.actors.gateway.streams.doors import START

AUTH = "an-auth-token-of-the-tests"
SIGNED = Config(
    gateway=GatewaySettings(twilio=TwilioSettings(auth_token=SecretStr(AUTH), url="wss://example.com/v1/twilio"))
)
MOST = StreamLimits().message_bytes_most


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gateway(Log(), furnish=lambda app, parts: app.include_router(live_streams(SIGNED, parts))) as client:
        yield client.url.replace("http", "ws", 1)


def test_a_call_without_twilios_signature_is_refused_before_there_is_a_socket(address):
    with pytest.raises(InvalidStatus) as refused, connect(f"{address}/v1/twilio"):
        pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["title"] == "Forbidden"


@pytest.mark.parametrize(("size", "words"), [(MOST + 1, ["started", "error"]), (3 * MOST, ["started"])])
def test_a_message_that_is_too_large_is_refused_and_one_that_is_nearly_allowed_with_words(address, size, words):
    with connect(f"{address}/v1/streams") as socket:
        socket.send(json.dumps({**START, "token": OWNER}))
        socket.send(b"\x00" * size)
        assert heard(socket) == (words, 1009)


def heard(socket) -> tuple[list[str], int]:
    """What is said until the socket is closed, and the code of the close frame."""
    said = []
    try:
        while True:
            said.append(json.loads(socket.recv())["type"])
    except ConnectionClosed as closed:
        return said, closed.rcvd.code
