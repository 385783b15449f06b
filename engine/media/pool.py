"""A pool of processes that decode untrusted media: a crash, a hang or a bomb costs one segment, never the worker."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from engine.errors import BadMedia, DecoderDied
from engine.media.base import Limits
from engine.signals import Media

_START_S = 60.0
_ROOT = Path(__file__).parents[2]
_DTYPES = {
    "audio": np.float32,
    "frames": np.uint8,
    "frame_times_s": np.float64,
    "strip": np.uint8,
    "strip_times_s": np.float64,
}


class DecoderPool:
    """The decoder for media of strangers; usable from several threads.

    A child is a fresh interpreter (nothing is forked, nothing of the caller's `__main__` runs in it, its environment
    holds no secret) with limits of address space, processor time and wall time. Arrays come back through anonymous
    memory that both hold: it has no name, so nothing is left behind however either ends. Linux only.

    Args:
        processes: how many decode at the same time.
        limits: what a segment may cost, see `Limits`.
        memory_bytes: address space of a child.
        cpu_s: processor time of one segment.
        deadline_s: wall time of one segment.
    """

    def __init__(
        self,
        *,
        processes: int,
        limits: Limits,
        memory_bytes: int = 2 << 30,
        cpu_s: float = 60.0,
        deadline_s: float = 60.0,
    ) -> None:
        settings = {"limits": asdict(limits), "memory_bytes": memory_bytes, "cpu_s": cpu_s}
        self._settings = json.dumps(settings)
        self._deadline_s = deadline_s
        self._closed = False
        self._processes = processes
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for _ in range(processes):
            self._idle.put(_Child(self._settings))

    def decode(self, data: bytes, *, content_type: str | None, declared_s: float | None = None) -> Media:
        """Decode one segment in a child. Raises `BadMedia`, or `DecoderDied` when the child was lost over it."""
        child = self._idle.get()
        try:
            if self._closed:
                raise RuntimeError("this decoder pool is closed")
            return child.decode(data, content_type, declared_s, deadline_s=self._deadline_s)
        except BadMedia:
            raise
        except BaseException:
            if not self._closed:
                child.kill()
                child = _Child(self._settings)
            raise
        finally:
            self._idle.put(child)

    def close(self) -> None:
        """Wait for segments in work, then end the children."""
        if self._closed:
            return
        self._closed = True
        children = [self._idle.get() for _ in range(self._processes)]
        for child in children:
            child.kill()
            self._idle.put(child)

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Child:
    """One decoding process, its socket, and the memory shared with it."""

    def __init__(self, settings: str) -> None:
        ours, theirs = socket.socketpair()
        self._memory = os.memfd_create("turntone-media")
        fds = (theirs.fileno(), self._memory)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "engine.media.child", *map(str, fds), settings],
                pass_fds=fds,
                env={"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._connection = Connection(ours.detach())
        self._ready = False

    def decode(self, data: bytes, content_type: str | None, declared_s: float | None, *, deadline_s: float) -> Media:
        if not self._ready:
            self._receive(_START_S)
            self._ready = True
        os.ftruncate(self._memory, 0)
        written = 0
        while written < len(data):
            written += os.pwrite(self._memory, memoryview(data)[written:], written)
        request = {"size": len(data), "content_type": content_type, "declared_s": declared_s}
        try:
            self._connection.send_bytes(json.dumps(request).encode())
        except OSError as error:
            raise DecoderDied(self._epitaph()) from error
        answer = self._receive(deadline_s)
        if "bad_media" in answer:
            raise BadMedia(answer["bad_media"])
        return self._read(answer["media"])

    def kill(self) -> None:
        """End the process, whatever it does, and free what was shared with it; once."""
        if self._connection.closed:
            return
        self._connection.close()
        self._process.kill()
        self._process.wait()
        os.close(self._memory)

    def _receive(self, deadline_s: float) -> dict[str, Any]:
        try:
            if not self._connection.poll(deadline_s):
                raise DecoderDied(f"decoding took longer than {deadline_s:g} s")
            answer: dict[str, Any] = json.loads(self._connection.recv_bytes(1 << 16))
        except (OSError, EOFError, ValueError) as error:
            raise DecoderDied(self._epitaph()) from error
        return answer

    def _epitaph(self) -> str:
        try:
            code = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "the decoding process closed its socket"
        if code < 0:
            return f"the decoding process was ended by {signal.Signals(-code).name}"
        return f"the decoding process ended with {code}; it may have outgrown its memory"

    def _read(self, answer: dict[str, Any]) -> Media:
        fields, shapes = answer["fields"], answer["shapes"]
        offset = 0
        arrays: dict[str, Any] = {}
        for name, shape in shapes.items():
            if shape is not None:
                arrays[name] = np.empty(shape, dtype=_DTYPES[name])
                offset += self._pread(arrays[name].data.cast("B"), offset)
        return Media(**fields, **arrays)

    def _pread(self, view: memoryview, offset: int) -> int:
        done = 0
        while done < len(view):
            count = os.preadv(self._memory, [view[done:]], offset + done)
            if count == 0:
                raise DecoderDied("the decoding process gave fewer bytes than it said")
            done += count
        return done
