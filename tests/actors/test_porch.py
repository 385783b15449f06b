import socket
from contextlib import closing
from urllib.parse import urlsplit

import httpx2
import pytest

from actors.gateway.listening import listening
from actors.page.address import address
from actors.page.porch import STARTING, Porch
from actors.progress import GATEWAY, Step
from engine.config import GatewaySettings
from engine.errors import ConfigurationError


@pytest.fixture
def told():
    return []


@pytest.fixture
def porch(told):
    with closing(Porch(GatewaySettings(port=0), progress=told.append)) as porch:
        yield porch


@pytest.fixture
def visitor(porch):
    with httpx2.Client(base_url=f"http://127.0.0.1:{porch.port}", trust_env=False) as visitor:
        yield visitor


def test_the_pages_address_answers_and_says_how_far_the_start_is(porch, visitor, told):
    page = urlsplit(address("127.0.0.1", porch.port, None)).path
    assert "is being loaded" in visitor.get(page).text
    steps = [Step("broker", "starting"), Step("broker", "ready", 3.21), Step("<models>", "starting")]
    for step in steps:
        porch(step)
    answer = visitor.get(page)
    assert answer.status_code == 200
    assert STARTING in answer.headers
    assert "Starting: &lt;models&gt;." in answer.text
    assert "ready after 3.2 s" in answer.text
    assert told == steps


def test_programs_are_told_to_come_again(visitor):
    for answer in (visitor.get("/healthz"), visitor.get("/v1/dialogues"), visitor.post("/page/session", data={"a": 1})):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    home = visitor.get("/", follow_redirects=False)
    assert (home.status_code, home.headers["location"]) == (307, "/page/")


def test_the_gateway_gets_the_address_when_it_opens(porch, visitor):
    visitor.get("/page/")
    porch(Step("models", "ready", 1.0))
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", porch.port))
    porch(Step(GATEWAY, "starting"))
    listening("127.0.0.1", porch.port).close()
    porch(Step(GATEWAY, "ready", 0.1))


def test_an_address_that_is_taken_is_said_at_once(porch):
    with pytest.raises(ConfigurationError, match="cannot listen"):
        Porch(GatewaySettings(port=porch.port), progress=lambda _: None)
