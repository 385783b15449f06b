"""A stream in a container, decoded in a process of its own: a crash, a hang or a bomb costs this one stream."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actors.gateway.streams.child import LENGTH, LENGTHS
from actors.gateway.streams.limits import StreamLimits
from engine.errors import BadMedia, DecoderDied, TurntoneError
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.segmenter import Identity, Ready
from schemas.segment import Segment
from schemas.topics import ENDED_TYPE, MAX_SEGMENT_BYTES

_ROOT = Path(__file__).parents[3]
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """How a stream in a container is cut, by the process that decodes it."""

    identity: Identity
    speaker: str | None
    role: str | None
    endpoint: EndpointSettings
    unheard_s: float
    origin_s: float
    limits: StreamLimits

    @property
    def json(self) -> str:
        """As the process reads it."""
        return json.dumps(
            {
                "identity": asdict(self.identity),
                "voices": {"speaker": self.speaker, "role": self.role},
                "endpoint": asdict(self.endpoint),
                "unheard_s": self.unheard_s,
                "origin_s": self.origin_s,
                "memory_bytes": self.limits.memory_bytes,
                "decode_s": self.limits.decode_s,
                "silent_s": 2 * self.limits.duration_most_s,
            }
        )


class ContainerCutter:
    """Hands chunks to the process and takes the records from it; the process starts with the first of them.

    It is a fresh interpreter whose environment holds no secret. What it says is checked: of another dialogue, or of
    another source, it can say nothing.
    """

    def __init__(self, *, settings: ContainerSettings) -> None:
        self._settings = settings
        self._process: Process | None = None
        self._failure: TurntoneError | None = None
        self.heard_s = 0.0

    async def feed(self, data: bytes) -> Sequence[Ready]:
        """See `Cutter`. Where it fails after something was found, that is returned, and the next call raises."""
        if self._process is None:
            self._process = await self._start()
            await self._answered(within_s=self._settings.limits.starting_s)
        return await self._exchanged(data)

    async def finish(self, *, reason: str | None) -> Sequence[Ready]:
        """See `Cutter`."""
        if self._process is None:
            return []
        found = await self._exchanged(b"")
        return [ready for ready in found if reason is not None or ready.segment.type != ENDED_TYPE]

    async def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        if process.returncode is None:
            process.kill()
        process.stdin.close()
        await process.communicate()

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "actors.gateway.streams.child",
            self._settings.json,
            env={"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "PATH": os.defpath},
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
        )

    async def _exchanged(self, data: bytes) -> list[Ready]:
        """What the process makes of a chunk."""
        self._expect_alive()
        process = self._process
        if process is None or process.stdin is None:
            raise DecoderDied("the decoding process was ended")
        with suppress(ConnectionError):  # its answer says why
            process.stdin.write(LENGTH.pack(len(data)) + data)
        found = await self._answered(within_s=self._settings.limits.answer_s)
        if not found:
            self._expect_alive()
        return found

    def _expect_alive(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _answered(self, *, within_s: float) -> list[Ready]:
        """Records until the process asks for more, or has ended."""
        found: list[Ready] = []
        try:
            # What it may compute it is held to by the kernel; this is for one that does nothing.
            async with asyncio.timeout(within_s):
                while True:
                    fields, value = await self._frame()
                    if "segment" in fields:
                        found.append(self._checked(fields["segment"], value))
                        continue
                    self.heard_s = float(fields["heard_s"])
                    if fields.get("problem") is not None:
                        self._failure = BadMedia(str(fields["problem"]))
                    return found
        except TimeoutError:
            self._failure = DecoderDied(f"the decoding process did not answer for {within_s:g} s")
        except (EOFError, ConnectionError):
            self._failure = DecoderDied(await self._epitaph())
        except (KeyError, TypeError, ValueError, AttributeError):
            self._failure = DecoderDied("the decoding process said what cannot be read")
        return found

    async def _frame(self) -> tuple[dict[str, Any], bytes]:
        if self._process is None or self._process.stdout is None:
            raise EOFError
        out = self._process.stdout
        head, body = LENGTHS.unpack(await out.readexactly(LENGTHS.size))
        if head > _HEAD_BYTES or body > MAX_SEGMENT_BYTES:
            raise ValueError("a frame that is too large")
        fields: dict[str, Any] = json.loads(await out.readexactly(head))
        return fields, await out.readexactly(body)

    def _checked(self, fields: object, value: bytes) -> Ready:
        segment = Segment.model_validate(fields)
        identity = self._settings.identity
        if (segment.dialogue_id, segment.source) != (identity.dialogue_id, identity.source):
            raise ValueError("a segment of another stream")
        return Ready(segment, value)

    async def _epitaph(self) -> str:
        try:
            async with asyncio.timeout(1.0):
                code = await self._process.wait() if self._process is not None else 0
        except TimeoutError:
            return "the decoding process closed its pipe"
        if code == -signal.SIGXCPU:
            return f"decoding took more than {self._settings.limits.decode_s:g} s of the processor"
        if code < 0:
            return f"the decoding process was ended by {signal.Signals(-code).name}"
        return f"the decoding process ended with {code}; it may have outgrown its memory"
