"""The process that decodes and cuts one stranger's stream, under limits; its parent is `container.py`.

Started as `python -m actors.gateway.streams.child SETTINGS`. On standard input come chunks, each after its length (4
bytes, big-endian); an empty one is the end. On standard output go frames: two lengths, JSON, and the value of a record.
It asks for a chunk (`more`) only when the last one is used up, so what belongs to a chunk lies between two askings.
"""

import json
import resource
import struct
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

from actors.gateway.streams.cutting import Cutting
from engine.clock import SystemClock
from engine.errors import BadMedia, SourceUnavailable
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.segmenter import Identity, Ready, Segmenter
from engine.ingest.streamed import StreamedSource
from engine.ingest.voices import Voices
from engine.ingest.wall import Wall

LENGTH = struct.Struct(">I")
LENGTHS = struct.Struct(">II")


class _Chunks:
    """What the parent sends, as the file that FFmpeg reads."""

    def __init__(self, *, source: BinaryIO, answers: "_Answers", cutting: Cutting, cpu_s: float) -> None:
        self._source = source
        self._answers = answers
        self._cutting = cutting
        self._cpu_s = cpu_s
        self._rest = memoryview(b"")
        self.over = False

    def read(self, size: int, /) -> bytes:
        """See `Readable`."""
        if not self._rest and not self.over:
            self._answers.say({"more": True, "heard_s": self._cutting.heard_s})
            (length,) = LENGTH.unpack(self._source.read(LENGTH.size))
            allow_cpu(self._cpu_s)
            self._rest, self.over = memoryview(self._source.read(length)), length == 0
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)


class _Answers:
    """What the parent is told."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def say(self, fields: dict[str, Any], value: bytes = b"") -> None:
        head = json.dumps(fields).encode()
        self._target.write(LENGTHS.pack(len(head), len(value)) + head + value)
        self._target.flush()

    def records(self, found: Iterable[Ready]) -> None:
        for ready in found:
            self.say({"segment": ready.segment.model_dump(mode="json", exclude_none=True)}, ready.value)


def main(settings: dict[str, Any]) -> None:
    """Decode until there is nothing more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"],) * 2)
    wall = Wall(clock=SystemClock(), live=True)
    segmenter = Segmenter(
        identity=Identity(**settings["identity"]),
        voices=Voices(**settings["voices"]),
        endpoint=EndpointSettings(**settings["endpoint"]),
        wall=wall.at,
        unheard_s=settings["unheard_s"],
        origin_s=settings["origin_s"],
    )
    cutting = Cutting(segmenter=segmenter, wall=wall)
    answers = _Answers(sys.stdout.buffer)
    chunks = _Chunks(source=sys.stdin.buffer, answers=answers, cutting=cutting, cpu_s=settings["decode_s"])
    # The format is said and not found out, so that nothing else than this one is ever opened.
    source = StreamedSource(
        address="the stream", file=chunks, format="matroska", live=True, silent_s=settings["silent_s"]
    )
    problem: str | None = None
    try:
        for piece in source.pieces():
            answers.records(cutting.feed(piece))
        if not chunks.over:
            problem = "the stream's container ends before the stream does; one recording a stream"
    except (BadMedia, SourceUnavailable) as error:
        problem = str(error)
    answers.records(cutting.finish(reason="the stream ended"))
    answers.say({"end": True, "heard_s": cutting.heard_s, "problem": problem})


def allow_cpu(seconds: float) -> None:
    """Have the kernel end this process when it has computed for so long more.

    The limit counts a process's whole life, so each chunk moves it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
