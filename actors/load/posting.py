"""A load through a gateway: every record is a request, in the order of its dialogue."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self
from zlib import crc32

from actors.client import Client, Refused
from actors.load.hearing import Ears
from engine.errors import Unavailable
from schemas.topics import ENDED_TYPE, STARTED_TYPE
from simulators.load.account import Sent
from simulators.load.line import Buried, Told
from simulators.load.wire import PEOPLE, Cue

_LANES: Final = 16
_ATTEMPTS: Final = 5
_WAIT_S: Final = 0.25


class PostLine:
    """See `simulators.load.line.Line`. Requests of different dialogues are under way side by side.

    One that is not taken is sent again as it was, a few times: a sequence that is known counts once. A context manager.

    client: sends. ears: tell what comes of it.
    """

    def __init__(self, client: Client, ears: Ears) -> None:
        self._client = client
        self._ears = ears
        self._lanes = [ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane") for _ in range(_LANES)]
        self._taken: SimpleQueue[Sent] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lane in self._lanes:
            lane.shutdown(cancel_futures=True)

    def send(self, cue: Cue, *, due_wall_s: float) -> None:
        """See `Line.send`; the time of a segment is when the gateway gets it."""
        lane = self._lanes[crc32(cue.segment.dialogue_id.encode()) % _LANES]
        lane.submit(self._send, cue)

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

    def _send(self, cue: Cue) -> None:
        for _ in range(_ATTEMPTS):
            try:
                self._ask(cue)
            except (Refused, Unavailable) as error:
                if not error.retryable:
                    return
                time.sleep(getattr(error, "retry_after_s", None) or _WAIT_S)
            else:
                if cue.sent is not None:
                    self._taken.put(cue.sent)
                return

    def _ask(self, cue: Cue) -> None:
        segment = cue.segment
        if segment.type == STARTED_TYPE:
            self._client.start(segment.dialogue_id, participants=PEOPLE)
        elif segment.type == ENDED_TYPE:
            self._client.end(segment.dialogue_id, reason="the call ended")
        else:
            self._client.push(
                segment.dialogue_id,
                cue.value,
                content_type=segment.datacontenttype or "",
                sequence=segment.sequence,
                start_s=segment.starttime or 0.0,
                end_s=segment.endtime or 0.0,
                speaker=segment.speaker,
                role=segment.role,
                consent=segment.consent,
                source=segment.source,
            )
