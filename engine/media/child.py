"""The process that decodes untrusted media: one request at a time, under limits.

`engine.media.pool` starts it as `python -m engine.media.child SOCKET MEMORY SETTINGS`. Requests and answers are JSON
over the socket; the bytes of the segment, and then the arrays, lie in the anonymous memory both processes hold.
"""

import json
import os
import resource
import select
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from engine.errors import BadMedia
from engine.media.base import Limits
from engine.media.decode import decode
from engine.signals import Media

_ARRAYS = ("audio", "frames", "frame_times_s", "strip", "strip_times_s")
"""What of `Media` is an array, in the order in which it lies in memory."""


def main(socket_fd: int, memory_fd: int, settings: dict[str, Any]) -> None:
    """Answer requests until the parent hangs up."""
    threading.Thread(target=_end_with_parent, args=(socket_fd,), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"],) * 2)
    limits = Limits(**settings["limits"])
    connection = Connection(socket_fd)
    connection.send_bytes(b"{}")
    while True:
        request = json.loads(connection.recv_bytes())
        _allow_cpu(settings["cpu_s"])
        connection.send_bytes(json.dumps(_answer(request, memory_fd, limits)).encode())


def _answer(request: dict[str, Any], memory_fd: int, limits: Limits) -> dict[str, Any]:
    data = os.pread(memory_fd, request["size"], 0)
    try:
        media = decode(data, content_type=request["content_type"], declared_s=request["declared_s"], limits=limits)
    except BadMedia as error:
        return {"bad_media": str(error)}
    return {"media": _write(media, memory_fd)}


def _write(media: Media, memory_fd: int) -> dict[str, Any]:
    """Lay the arrays one after another into the memory; what remains is small enough for the socket."""
    fields = {name: getattr(media, name) for name in ("duration_s", "audio_missing", "video_missing")}
    shapes: dict[str, list[int] | None] = {}
    offset = 0
    for name in _ARRAYS:
        array = getattr(media, name)
        shapes[name] = None if array is None else list(array.shape)
        if array is not None:
            offset += _pwrite(memory_fd, np.ascontiguousarray(array), offset)
    return {"fields": fields, "shapes": shapes}


def _pwrite(fd: int, array: np.ndarray[Any, Any], offset: int) -> int:
    view = array.data.cast("B")
    written = 0
    while written < len(view):
        written += os.pwrite(fd, view[written:], offset + written)
    return written


def _allow_cpu(seconds: float) -> None:
    """The limit counts a process's whole life, so each request moves it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _end_with_parent(socket_fd: int) -> None:
    """Wait for the other end of the socket to close, in the middle of a decode too."""
    poller = select.poll()
    poller.register(socket_fd, select.POLLRDHUP)
    poller.poll()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
