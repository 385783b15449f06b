"""A server process on a leash: started, watched until it answers, stopped, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import Unavailable

HOST = "127.0.0.1"
POLL_S = 0.05
_LEASH = Path(__file__).with_name("leash.py")


class ServerProcess:
    """One run of a server. Its output is appended to `log`.

    `kept_open` are file descriptors that stay open until the server is really gone: the lock of its folder.
    """

    def __init__(
        self, *, name: str, command: Sequence[str], log: Path, grace_s: float = 10.0, kept_open: Sequence[int] = ()
    ) -> None:
        self.name = name
        self.log = log
        self._grace_s = grace_s
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(grace_s), *command]
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for the one who drains, not for the servers.
            self._leash = subprocess.Popen(  # noqa: S603  a command of our own
                leash,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                start_new_session=True,
                pass_fds=tuple(kept_open),
            )

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._leash.poll() is None

    def wait_until(self, answers: Callable[[], bool], *, timeout_s: float) -> None:
        """Return when `answers` says so. Raises `Unavailable`, with the end of the log, if that never comes."""
        deadline_s = time.monotonic() + timeout_s
        while self.alive and time.monotonic() < deadline_s:
            if answers():
                return
            time.sleep(POLL_S)
        reason = f"did not answer within {timeout_s:.0f} s" if self.alive else "ended while it started"
        self.kill()
        raise Unavailable(f"{self.name} {reason}; the end of {self.log}:\n{_tail(self.log)}")

    def stop(self) -> None:
        """Ask the server to end, wait, and kill it if it does not."""
        if self._leash.stdin is not None:
            self._leash.stdin.close()
        try:
            self._leash.wait(timeout=self._grace_s + 5.0)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self.alive:
            os.killpg(self._leash.pid, signal.SIGKILL)
        self._leash.wait()
        if self._leash.stdin is not None:
            self._leash.stdin.close()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def listens(port: int) -> bool:
    """Whether something accepts connections on a port of the loopback interface."""
    with socket.socket() as one:
        one.settimeout(1.0)
        return one.connect_ex((HOST, port)) == 0


def falls_free(port: int, *, timeout_s: float) -> bool:
    """Whether nothing listens at a port of the loopback interface, now or before `timeout_s` are over."""
    deadline_s = time.monotonic() + timeout_s
    while listens(port):
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(POLL_S)
    return True


def _tail(log: Path, *, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
