"""What the supervisor does about a server that does not come back at once."""

from threading import Thread

import pytest

from actors.embedded.stack import EmbeddedStack
from actors.supervisor import Supervisor
from engine.config import Config
from engine.errors import ConfigurationError, Unavailable


class Stack:
    """Servers that do not start the first times."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.supervisor: Supervisor | None = None

    def look_after(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        assert self.supervisor is not None
        self.supervisor._stop.set()


def looked_after(tmp_path, stack: Stack) -> Supervisor:
    supervisor = Supervisor(config=Config(data=tmp_path))
    stack.supervisor = supervisor
    supervisor._stack = stack
    thread = Thread(target=supervisor._keep_servers)
    thread.start()
    thread.join()
    return supervisor


def test_a_server_that_does_not_start_is_started_again_and_stops_nobody(tmp_path):
    stack = Stack(Unavailable("its port is taken"))
    looked_after(tmp_path, stack).wait(timeout_s=0.01)
    assert stack.failures == []


def test_what_only_a_person_can_mend_stops_everything(tmp_path):
    supervisor = looked_after(tmp_path, Stack(ConfigurationError("no Java")))
    with pytest.raises(ConfigurationError, match="no Java"):
        supervisor.wait(timeout_s=0.01)


class Dead:
    """A server that has died."""

    alive = False

    def __init__(self, *, starts: bool) -> None:
        self.starts = starts

    def start(self) -> None:
        if not self.starts:
            raise Unavailable("its port is taken")
        self.alive = True


def test_a_broker_that_does_not_start_keeps_nobody_from_the_store(tmp_path):
    stack = EmbeddedStack(tmp_path)
    stack.kafka, stack.valkey = Dead(starts=False), Dead(starts=True)
    with pytest.raises(Unavailable):
        stack.look_after()
    assert stack.valkey.alive
