"""Where the gateway listens: a socket at its address, and the port it has where nobody chose one."""

import errno
import socket

from engine.errors import ConfigurationError

DEFAULT_PORT = 8477
_STUCK_MS = 30_000
"""A connection whose other end takes nothing for so long is given up by the kernel."""


def listening(host: str, port: int | None) -> socket.socket:
    """A socket that listens; without a port at the default one, or at a free one where that is taken.

    Raises `ConfigurationError`.
    """
    try:
        return _bound(host, DEFAULT_PORT if port is None else port)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            return _bound(host, 0)
        where = f"{host}:{DEFAULT_PORT if port is None else port}"
        raise ConfigurationError(f"the gateway cannot listen at {where}: {error.strerror}") from error


def _bound(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_MS)
        listening.bind(address)
        listening.listen(2048)
    except BaseException:
        listening.close()
        raise
    return listening
