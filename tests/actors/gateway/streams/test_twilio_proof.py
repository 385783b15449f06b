"""Twilio's signature: what Twilio publishes of it, and who is let in by it."""

import pytest
from starlette.testclient import WebSocketDenialResponse

from actors.gateway.streams.proof import HEADER, TwilioProof
from engine.config import read_config
from engine.errors import ConfigurationError
from tests.actors.gateway.streams.doors import Twilio, closed, opened

PATH = "/v1/twilio"
TOKEN = "12345"  # noqa: S105 - Twilio's own example
URL = "wss://example.com/v1/twilio"
SIGNED = "ccJICYO7KLiZoW8QqJxo8M1ytBM="
"""Of `URL`, and below of others: as Twilio's own Python library, 9.x, signs them."""


def test_the_example_twilio_publishes():
    """Its text is the address and then each field's name and value; all of it is what would be signed here."""
    form = "CallSidCA1234567890ABCDECaller+14158675309Digits1234From+14158675309To+18005551212"
    proof = TwilioProof(auth_token=TOKEN, url=f"https://mycompany.com/myapp.php?foo=1&bar=2{form}")
    assert proof.holds("RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize(
    ("url", "signature", "holds"),
    [
        (URL, SIGNED, True),
        ("wss://example.com:8443/v1/twilio", "ZjuIaErCkqXYPjNaVQs3D5ciWW4=", True),
        ("wss://example.com:8443/v1/twilio", SIGNED, True),
        ("wss://example.com/v1/twilio/", SIGNED, False),
        ("wss://example.org/v1/twilio", SIGNED, False),
        (URL, SIGNED.lower(), False),
        (URL, SIGNED[:-1], False),
        (URL, "", False),
        (URL, "ü", False),
        (URL, None, False),
    ],
)
def test_a_signature_is_of_one_address(url, signature, holds):
    assert TwilioProof(auth_token=TOKEN, url=url).holds(signature) is holds
    assert not TwilioProof(auth_token="54321", url=url).holds(signature)  # noqa: S106


def test_twilio_is_let_in():
    with (
        opened(proof=TwilioProof(auth_token=TOKEN, url=URL)) as door,
        door.client.websocket_connect(PATH, headers={HEADER: SIGNED}) as socket,
    ):
        twilio = Twilio(socket.send_text)
        twilio.connected()
        twilio.start()
        twilio.stop()
        assert closed(socket) == (1000, "")


@pytest.mark.parametrize("headers", [{}, {HEADER: "Zm9yZ2Vk"}], ids=["unsigned", "forged"])
def test_nobody_else_gets_a_socket(headers):
    with opened(proof=TwilioProof(auth_token=TOKEN, url=URL)) as door:
        with pytest.raises(WebSocketDenialResponse) as refused, door.client.websocket_connect(PATH, headers=headers):
            pass
        assert refused.value.status_code == 403
        assert refused.value.json()["type"] == "urn:turntone:problem:forbidden"
        assert door.metrics.read().counts["streams_refused:unauthorized"] == 1


@pytest.mark.parametrize("url", ["https://example.com/v1/twilio", "wss://example.com", f"{URL}?a=b"])
def test_an_address_that_twilio_does_not_take_is_said(tmp_path, url):
    file = tmp_path / "turntone.toml"
    file.write_text(f'[gateway.twilio]\nauth_token = "0123456789abcdef"\nurl = "{url}"')
    with pytest.raises(ConfigurationError, match=r"gateway\.twilio\.url"):
        read_config(file)
