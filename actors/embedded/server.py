"""A server of ours at one port of the loopback interface; started again, it is found where it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from actors.embedded.process import ServerProcess, falls_free, free_ports
from engine.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one kind of server has for itself."""

    name: str
    log: str
    """File in its folder."""
    command: Callable[[Path, int], Sequence[str]]
    """Makes the folder ready, and says how to run the server in it at a port."""
    address: Callable[[int], str]
    """For clients."""
    answers: Callable[[int], bool]
    """Whether it is there for clients, and not just its port."""
    start_s: float
    stop_s: float


class EmbeddedServer:
    """One server with its data, its settings and its log in `folder`; a restart there finds the same data.

    `port`: where it listens; a free one if none is given. `kept_open`: see `ServerProcess`. Raises `Unavailable` or
    `ConfigurationError` with a sentence that says what to do where the server cannot be had.
    """

    def __init__(self, kind: Kind, *, folder: Path, port: int | None = None, kept_open: Sequence[int] = ()) -> None:
        self._kind = kind
        self._folder = folder.resolve()
        self._wanted_port = port
        self._kept_open = kept_open
        self._port: int | None = None
        self._process: ServerProcess | None = None

    @property
    def address(self) -> str:
        """Address for clients. Raises `Unavailable` before `start`."""
        if self._port is None:
            raise Unavailable(f"{self._kind.name} has not been started.")
        return self._kind.address(self._port)

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.alive

    def start(self) -> None:
        """Start the server and return when it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Of one that died by itself its leash's pipe is left, and for a moment its port.
        patience_s = 0.0 if self._process is None else self._kind.stop_s
        self.kill()
        if self._wanted_port is not None and not falls_free(self._wanted_port, timeout_s=patience_s):
            raise Unavailable(f"Port {self._wanted_port} is taken: stop what listens there or choose another.")
        port = self._wanted_port or free_ports(1)[0]
        self._process = ServerProcess(
            name=self._kind.name,
            command=self._kind.command(self._folder, port),
            log=self._folder / self._kind.log,
            grace_s=self._kind.stop_s,
            kept_open=self._kept_open,
        )
        self._process.wait_until(lambda: self._kind.answers(port), timeout_s=self._kind.start_s)
        self._port = self._wanted_port = port

    def stop(self) -> None:
        """Stop the server in order: what it holds is on disk afterwards."""
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
