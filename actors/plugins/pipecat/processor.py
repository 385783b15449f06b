"""The processor: all frames pass, the user's sound goes to Turntone, and what Turntone says comes in between."""

import asyncio
import logging
from random import Random

from pipecat.frames.frames import Frame, InputAudioRawFrame, StartFrame, UserAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from actors.client import Client
from actors.gateway.streams.messages import Segmented, Start
from actors.plugins.hearing import hear
from actors.plugins.pipecat.frames import AlertFrame, EmotionFrame
from actors.plugins.uplink import Gateway, Uplink
from engine.clock import SystemClock
from engine.errors import TurntoneError
from engine.ingest.reconnect import Backoff
from schemas.events import EmotionEvent

_LAST_WORDS_S = 5.0
"""What was said last is given so long to be published when the pipeline ends."""

_log = logging.getLogger(__name__)


class EmotionProcessor(FrameProcessor):
    """One user of one conversation; stands behind the transport's input.

    Turntone never holds up the pipeline: sound it cannot take is dropped, and its faults are non-fatal error frames.
    When the pipeline ends, however it does, so does the dialogue.

    Args:
        gateway: where Turntone is; its token has the scopes `segments:write` and `events:read`.
        dialogue_id: the conversation; letters, digits and `. _ : -`.
        speaker: what the user is called in events.
        role: the user's, for the role gate; without it turns are withheld.
        consent: what the user said; likewise.
        user_id: only the sound of this user of the transport; None: all that comes in.
    """

    def __init__(
        self,
        *,
        gateway: Gateway,
        dialogue_id: str,
        speaker: str,
        role: str | None,
        consent: bool | None,
        user_id: str | None = None,
    ) -> None:
        super().__init__()
        self._gateway = gateway
        self._user_id = user_id
        self._start = Start(
            type="start",
            dialogue_id=dialogue_id,
            format="s16le",
            rate_hz=16_000,
            speaker=speaker,
            role=role,
            consent=consent,
        )
        self._speaker = speaker
        self._backoff = Backoff(attempts=None)
        self._random = Random()  # noqa: S311 - jitter
        self._uplink: Uplink | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._hearing: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """See the class; frames keep their order."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._hearing = self.create_task(self._hear())
        elif isinstance(frame, InputAudioRawFrame) and self._is_of_the_user(frame):
            self._take(frame)
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Publish what was said last, and end the dialogue."""
        if self._hearing is not None:
            await self.cancel_task(self._hearing)
        if self._uplink is not None:
            self._uplink.end()
            _, late = await asyncio.wait(self._tasks, timeout=_LAST_WORDS_S)
            for task in late:
                await self.cancel_task(task)
            try:
                await asyncio.to_thread(self._say_over)
            except TurntoneError as error:
                _log.warning("dialogue %s stays open until its idle timer: %s", self._start.dialogue_id, error)
        await super().cleanup()

    def _is_of_the_user(self, frame: InputAudioRawFrame) -> bool:
        return self._user_id is None or (isinstance(frame, UserAudioRawFrame) and frame.user_id == self._user_id)

    def _take(self, frame: InputAudioRawFrame) -> None:
        coded = {"rate_hz": frame.sample_rate, "channels": frame.num_channels}
        if self._uplink is None or coded != {"rate_hz": self._start.rate_hz, "channels": self._start.channels}:
            if self._uplink is not None:
                self._uplink.end()
            self._start = self._start.model_copy(update=coded)
            self._uplink = Uplink(
                gateway=self._gateway,
                start=self._start,
                clock=SystemClock(),
                backoff=self._backoff,
                random=self._random,
                tell=self._sent,
            )
            self._tasks.append(self.create_task(self._send(self._uplink)))
        self._uplink.put(frame.audio)

    async def _send(self, uplink: Uplink) -> None:
        try:
            await uplink.run()
        except TurntoneError as error:
            await self.push_error(f"Turntone does not hear the user any more: {error}", exception=error)

    async def _hear(self) -> None:
        try:
            async for event in hear(
                gateway=self._gateway,
                dialogue_id=self._start.dialogue_id,
                speaker=self._speaker,
                backoff=self._backoff,
                random=self._random,
            ):
                frame = EmotionFrame(event) if isinstance(event, EmotionEvent) else AlertFrame(event)
                await self.push_frame(frame)
        except TurntoneError as error:
            await self.push_error(f"Turntone's turns are not heard any more: {error}", exception=error)

    def _say_over(self) -> None:
        with Client(self._gateway.url, token=self._gateway.token.get_secret_value(), timeout_s=_LAST_WORDS_S) as client:
            client.end(self._start.dialogue_id)

    def _sent(self, told: Segmented) -> None:
        _log.debug("%s: %.1f s to %.1f s are published", self._start.dialogue_id, told.start_s, told.end_s)
