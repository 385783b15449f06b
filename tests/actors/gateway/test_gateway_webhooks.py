"""Webhooks against a real server that refuses, breaks off and forgets."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Thread
from time import monotonic

import pytest

from actors.gateway.signature import secret_key, signed
from engine.errors import ConfigurationError
from engine.transport.base import Outgoing
from schemas.topics import ALERTS
from tests.actors.gateway.opened import PATIENCE_S, Log, gateway, turn_event

SECRET = "a-secret-of-the-tests"  # noqa: S105


class Listener:
    """An address that takes what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.taken: Queue[tuple[dict[str, str], bytes]] = Queue()
        self.refuse: list[int] = []
        """Statuses of the next answers."""
        self.url = ""

    def next(self) -> tuple[dict[str, str], bytes]:
        return self.taken.get(timeout=PATIENCE_S)

    def turns(self, count: int) -> list[int]:
        return [json.loads(self.next()[1])["turn"] for _ in range(count)]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            listener.taken.put((dict(self.headers), body))
            self.send_response(listener.refuse.pop(0) if listener.refuse else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def log() -> Log:
    log = Log()
    log.say("before", 0)
    return log


def hook(listener, **settings):
    return {"webhooks": [{"name": "crm", "url": listener.url, "secret": SECRET, **settings}]}


def test_what_comes_is_sent_signed_and_what_was_before_is_not(log):
    with listening() as listener, gateway(log, **hook(listener)):
        wait_listening(log)
        event = log.say("call", 3)
        headers, body = listener.next()
    assert body == event.model_dump_json().encode()
    named = {name.lower(): value for name, value in headers.items()}
    proof = b".".join((named["webhook-id"].encode(), named["webhook-timestamp"].encode(), body))
    mac = base64.b64encode(hmac.new(SECRET.encode(), proof, hashlib.sha256).digest()).decode()
    assert named["webhook-signature"] == f"v1,{mac}"
    assert listener.taken.empty()


def test_a_refusal_is_tried_again_before_what_follows_in_the_dialogue(log):
    with listening() as listener, gateway(log, **hook(listener)):
        wait_listening(log)
        listener.refuse = [500]
        for turn in range(3):
            log.say("call", turn)
        assert listener.turns(4) == [0, 0, 1, 2]


def test_an_event_is_given_up_in_the_end_and_the_next_one_comes(log, caplog):
    with listening() as listener, gateway(log, **hook(listener, attempts=2)):
        wait_listening(log)
        listener.refuse = [503, 503]
        log.say("call", 0, speaker="secret-name")
        log.say("call", 1)
        assert listener.turns(3) == [0, 0, 1]
    given_up = [record.getMessage() for record in caplog.records if "given up" in record.getMessage()]
    assert len(given_up) == 1
    assert "status 503" in given_up[0]
    assert "secret-name" not in given_up[0]
    assert log.figures.read().counts["webhook_given_up"] == 1


def test_only_what_is_wanted_is_sent(log):
    with listening() as listener, gateway(log, **hook(listener, labels=["anger"], kinds=["turn"])):
        wait_listening(log)
        log.say("call", 0, label="joy")
        log.say("call", 1, label="anger")
        assert listener.turns(1) == [1]
        assert listener.taken.empty()


def test_what_came_while_no_gateway_was_there_is_sent_by_the_next_one(log):
    with listening() as listener:
        with gateway(log, **hook(listener)):
            wait_listening(log)
            log.say("call", 0)
            assert listener.turns(1) == [0]
        log.say("call", 1)
        log.say("call", 2)
        with gateway(log, **hook(listener)):
            # At least once: the first may come again, where its gateway ended before it had noted the answer.
            turns = listener.turns(2)
            while turns[-1] != 2:
                turns += listener.turns(1)
    assert turns in ([1, 2], [0, 1, 2])


def test_the_signature_is_that_of_the_standard():
    """The example of the Standard Webhooks specification."""
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(key, id="msg_p5jXN8AQM9LWM0D4loKWxJek", time_s=1614265330.0, body=b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    with pytest.raises(ConfigurationError, match="base64"):
        secret_key("whsec_no base64")


def test_of_two_gateways_one_sends_each_event(log):
    other = Log(broker=log.broker)

    def say(dialogue_id: str) -> list[str]:
        """A turn and an alert: one of the gateways owns where turns are, the other where alerts are."""
        alert = turn_event(dialogue_id, 1)
        log.broker.append(Outgoing(ALERTS, dialogue_id, alert.model_dump_json().encode()))
        return [log.say(dialogue_id, 0).event_id, alert.event_id]

    with listening() as listener, gateway(log, **hook(listener)), gateway(other, **hook(listener)):
        wait_listening(log)
        probes = 0
        while not all(each.figures.read().counts.get("webhook_delivered") for each in (log, other)):
            assert probes < 1000
            for _ in say(f"probe-{probes}"):
                listener.next()
            probes += 1
        said = [event_id for number in range(20) for event_id in say(f"call-{number}")]
        sent = [json.loads(listener.next()[1])["event_id"] for _ in said]
    assert sorted(sent) == sorted(said)
    assert listener.taken.empty()


def wait_listening(log) -> None:
    """Return when the webhook has its place."""
    deadline_s, pause = monotonic() + PATIENCE_S, Event()
    while not log.broker.committed("crm"):
        assert monotonic() < deadline_s
        pause.wait(0.01)
