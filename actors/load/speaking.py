"""A load as live streams: every speaker of every call is a socket of its own, and speaks at the pace of life."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

import websockets
from websockets.asyncio.client import ClientConnection

from actors.load.hearing import Ears
from actors.load.tracks import GARBAGE, Stretch, stretches, track
from engine.signals import SAMPLE_RATE_HZ
from schemas.topics import SEGMENT_TYPE, STARTED_TYPE
from simulators.load.account import Sent
from simulators.load.conversation import AGENT, CUSTOMER
from simulators.load.line import Buried, Told
from simulators.load.plan import Call
from simulators.load.voices import Voices
from simulators.load.wire import STOPPED, Cue

_PIECE_S: Final = 0.1
_AGAIN_S: Final = 0.5
_OPENING_S: Final = 60.0
_BYTES: Final = 2
_BROKEN: Final = (OSError, TimeoutError, websockets.exceptions.WebSocketException)


class LiveLine:
    """See `simulators.load.line.Line`. A context manager.

    What cues say of utterances is only written down: a call that starts is spoken here from its plan. Garbage is a
    message that is none, after which the gateway hangs up and the speaker connects again.

    url: the gateway. calls: by the dialogue's id. ears: tell what comes of it.
    """

    def __init__(self, *, url: str, token: str, calls: Mapping[str, Call], voices: Voices, ears: Ears) -> None:
        self._address = "ws" + url.removeprefix("http") + "/v1/streams"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._calls = calls
        self._voices = voices
        self._ears = ears
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="speaking")
        self._speaking: dict[str, Future[None]] = {}
        self._sent: dict[tuple[str, str], list[Sent]] = {}
        self._taken: SimpleQueue[Sent] = SimpleQueue()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._silence(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, cue: Cue, *, due_wall_s: float) -> None:
        """See `Line.send`."""
        name = cue.segment.dialogue_id
        if cue.segment.type == STARTED_TYPE:
            self._speaking[name] = asyncio.run_coroutine_threadsafe(self._call(name, due_wall_s), self._loop)
        elif cue.segment.type == SEGMENT_TYPE and cue.sent is not None:
            self._sent.setdefault((name, cue.sent.speaker), []).append(cue.sent)
        elif cue.segment.source.endswith(f"/{STOPPED}"):
            self._speaking[name].cancel()

    def flush(self) -> Sequence[Sent]:
        """See `Line.flush`; waits for nothing."""
        taken: list[Sent] = []
        try:
            while True:
                taken.append(self._taken.get_nowait())
        except Empty:
            return taken

    def hear(self, *, timeout_s: float) -> Sequence[Told | Buried]:
        """See `Line.hear`."""
        return self._ears.hear(timeout_s=timeout_s)

    async def _call(self, name: str, began_wall_s: float) -> None:
        """Both speakers; the customer's line says that the call is over, after the agent's has said its last."""
        call, silent = self._calls[name], asyncio.Event()
        async with asyncio.TaskGroup() as speakers:
            speakers.create_task(self._agent(name, call, began_wall_s, silent))
            speakers.create_task(self._speak(name, call, CUSTOMER, began_wall_s, after=silent))

    async def _agent(self, name: str, call: Call, began_wall_s: float, silent: asyncio.Event) -> None:
        await self._speak(name, call, AGENT, began_wall_s, after=None)
        silent.set()

    async def _speak(
        self, name: str, call: Call, speaker: str, began_wall_s: float, *, after: asyncio.Event | None
    ) -> None:
        pcm = track(call, speaker, self._voices)
        for stretch in stretches(call, speaker):
            from_s = stretch.start_s
            while from_s < stretch.end_s:
                try:
                    await self._carry(name, speaker, pcm, stretch, from_s, began_wall_s, after)
                    break
                except _BROKEN:
                    await asyncio.sleep(_AGAIN_S)
                    from_s = max(from_s + _PIECE_S, time.time() - began_wall_s)

    async def _carry(
        self,
        name: str,
        speaker: str,
        pcm: bytes,
        stretch: Stretch,
        from_s: float,
        began_wall_s: float,
        after: asyncio.Event | None,
    ) -> None:
        """One connection, from a moment of the call to where it breaks off or the call is over."""
        start = {
            "type": "start",
            "dialogue_id": name,
            "format": "s16le",
            "rate_hz": SAMPLE_RATE_HZ,
            "speaker": speaker,
            "role": speaker,
            "consent": True,
            "offset_s": round(from_s, 3),
            "end_dialogue": after is not None,
        }
        async with websockets.connect(
            self._address,
            additional_headers=self._headers,
            open_timeout=_OPENING_S,
            max_queue=None,
            ping_interval=None,
            proxy=None,
        ) as line:
            await line.send(json.dumps(start))
            listening = asyncio.create_task(self._listen(line, name, speaker))
            try:
                await self._talk(line, pcm, stretch, from_s, began_wall_s)
                if stretch.breaks_off:
                    line.transport.abort()
                    return
                if after is not None:
                    await after.wait()
                await line.send('{"type": "stop"}')
                await listening
            finally:
                listening.cancel()

    async def _talk(
        self, line: ClientConnection, pcm: bytes, stretch: Stretch, from_s: float, began_wall_s: float
    ) -> None:
        """Pieces of sound, each when it has been spoken; what is late already goes out at once."""
        at_s = from_s
        garbage = [moment_s for moment_s in stretch.garbage_s if moment_s >= from_s]
        while at_s < stretch.end_s:
            until_s = min(at_s + _PIECE_S, stretch.end_s)
            await asyncio.sleep(max(0.0, began_wall_s + until_s - time.time()))
            await line.send(pcm[_at(at_s) : _at(until_s)])
            at_s = until_s
            if garbage and garbage[0] <= at_s:
                garbage.pop(0)
                await line.send(GARBAGE)

    async def _listen(self, line: ClientConnection, name: str, speaker: str) -> None:
        async for message in line:
            said: dict[str, Any] = json.loads(message)
            if said["type"] == "segment":
                for sent in self._sent.get((name, speaker), ()):
                    if min(said["end_s"], sent.end_s) > max(said["start_s"], sent.start_s):
                        self._taken.put(sent)

    async def _silence(self) -> None:
        """Whoever still speaks stops where they are; the gateway keeps what was said."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _at(moment_s: float) -> int:
    return round(moment_s * SAMPLE_RATE_HZ) * _BYTES
