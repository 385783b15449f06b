"""The processor in real pipelines of Pipecat, run by Pipecat, with real frames."""

import asyncio

import pytest

pytest.importorskip("pipecat", reason="Pipecat is not installed: pip install 'turntone[pipecat]'")

from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMMessagesAppendFrame,
    OutputAudioRawFrame,
    TextFrame,
    UserAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from pydantic import SecretStr, ValidationError

from actors.plugins.pipecat.frames import AlertFrame, EmotionFrame
from actors.plugins.pipecat.processor import EmotionProcessor
from actors.plugins.uplink import Gateway
from engine.transport.base import Outgoing
from schemas.events import AlertEvent, AlertEvidence
from schemas.topics import ALERTS, ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from tests.actors.gateway.opened import PATIENCE_S
from tests.actors.plugins.rooms import turntone
from tests.engine.ingest.sources import talk

FRAME = 640
"""Bytes of 20 ms at 16 kHz."""


class Noting(FrameProcessor):
    """Keeps what passes."""

    def __init__(self) -> None:
        super().__init__()
        self.down: list[Frame] = []
        self.up: list[Frame] = []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        (self.down if direction is FrameDirection.DOWNSTREAM else self.up).append(frame)
        await self.push_frame(frame, direction)


class Reacting(FrameProcessor):
    """What a voice agent would have: tells its language model how the user feels."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self._left = enough
        self.felt = asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, EmotionFrame):
            hint = {"role": "developer", "content": f"The user feels {frame.event.label}."}
            await self.push_frame(LLMMessagesAppendFrame(messages=[hint], run_llm=False), direction)
        if isinstance(frame, EmotionFrame | AlertFrame):
            self._left -= 1
        if self._left <= 0:
            self.felt.set()


def run(processor, steps, *, felt: int = 0) -> tuple[Noting, Noting]:
    """Frames through a pipeline, and waiting between them, until it has felt so much; what passed at its two ends."""

    async def ran() -> tuple[Noting, Noting]:
        first, last, reacting = Noting(), Noting(), Reacting(felt)
        pipeline = Pipeline([first, processor, reacting, last])
        worker = PipelineWorker(pipeline, cancel_on_idle_timeout=False, enable_rtvi=False)
        started = asyncio.Event()

        @worker.event_handler("on_pipeline_started")
        async def begun(worker, frame):
            started.set()

        async def talking():
            await started.wait()
            for step in steps:
                await (worker.queue_frame(step) if isinstance(step, Frame) else step())
            if felt:
                await reacting.felt.wait()
            await worker.queue_frame(EndFrame())

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(runner.run(), talking())
        return first, last

    return asyncio.run(ran())


def spoken(*, sentences: int = 1, user_id: str | None = None) -> list[InputAudioRawFrame]:
    pcm = talk(sentences).tobytes()
    pieces = [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]
    if user_id is None:
        return [InputAudioRawFrame(audio=piece, sample_rate=16_000, num_channels=1) for piece in pieces]
    return [UserAudioRawFrame(user_id=user_id, audio=piece, sample_rate=16_000, num_channels=1) for piece in pieces]


def processor_of(gateway: Gateway, *, user_id: str | None = None) -> EmotionProcessor:
    return EmotionProcessor(
        gateway=gateway, dialogue_id="call-7", speaker="anna", role="customer", consent=True, user_id=user_id
    )


def test_what_the_user_says_comes_back_as_a_feeling_and_everything_passes():
    with turntone(answers=True) as behind:
        sound = spoken(sentences=2)
        others = [TextFrame("hello"), OutputAudioRawFrame(audio=bytes(FRAME), sample_rate=16_000, num_channels=1)]
        _, last = run(
            processor_of(behind.gateway),
            [behind.listened_to, sound[0], behind.streaming, *sound[1:], InterruptionFrame(), *others],
            felt=2,
        )
        assert [frame for frame in last.down if isinstance(frame, InputAudioRawFrame)] == sound
        assert [frame for frame in last.down if frame in others] == others
        feelings = [frame.event for frame in last.down if isinstance(frame, EmotionFrame)]
        assert [(one.dialogue_id, one.speaker, one.label) for one in feelings] == [("call-7", "anna", "joy")] * 2
        hints = [frame.messages for frame in last.down if isinstance(frame, LLMMessagesAppendFrame)]
        assert hints == [[{"role": "developer", "content": "The user feels joy."}]] * 2
        types = [segment.type for segment in behind.segments()]
        assert types == [STARTED_TYPE, SEGMENT_TYPE, SEGMENT_TYPE, ENDED_TYPE]
        assert {(one.speaker, one.role, one.consent) for one in behind.media()} == {("anna", "customer", True)}


def test_the_pipeline_s_own_voice_and_other_users_are_not_heard():
    with turntone() as behind:
        pcm = talk(1).tobytes()
        bot = OutputAudioRawFrame(audio=pcm, sample_rate=16_000, num_channels=1)
        first, *rest = spoken(user_id="u1")
        strange = [bot, *spoken(user_id="u2"), *spoken()]
        run(processor_of(behind.gateway, user_id="u1"), [first, behind.streaming, *strange, *rest])
        assert len(behind.media()) == 1


def test_an_alert_is_a_frame_too():
    alert = AlertEvent(
        event_id="a",
        dialogue_id="call-7",
        rule="rising-anger",
        severity="warning",
        speaker="anna",
        turn=3,
        start_s=6.0,
        since_turn=3,
        evidence=(AlertEvidence(turn=3, start_s=6.0, end_s=7.5, label="anger", distribution={"anger": 1.0}),),
        model_id="m",
    )
    with turntone() as behind:

        async def fired():
            await behind.listened_to()
            behind.log.say("call-7", 0, speaker="ben")
            behind.log.say("call-8", 0, speaker="anna")
            behind.log.broker.append(Outgoing(ALERTS, "call-7", alert.model_dump_json().encode()))

        _, last = run(processor_of(behind.gateway), [fired], felt=1)
        (told,) = (frame for frame in last.down if isinstance(frame, EmotionFrame | AlertFrame))
        assert told.event == alert


def test_who_is_not_let_in_says_so_once_and_passes_everything_on():
    with turntone() as behind:
        stranger = Gateway(behind.gateway.url, SecretStr("somebody-else-s-token"))
        sound, processor, said = spoken(), processor_of(stranger), []

        @processor.event_handler("on_error")
        async def wrong(processor, error):
            said.append(error.error)

        first, last = run(processor, [*sound, lambda: behind.until(lambda: len(said) == 2)])
        assert [frame for frame in last.down if isinstance(frame, InputAudioRawFrame)] == sound
        assert sorted(frame.error for frame in first.up if isinstance(frame, ErrorFrame)) == sorted(said)
        assert "scope segments:write" in min(said)
        assert "401" in max(said)


def test_without_a_gateway_the_pipeline_goes_on():
    sound = spoken()
    _, last = run(processor_of(Gateway("http://127.0.0.1:9", SecretStr("nobody"))), sound)
    assert [frame for frame in last.down if isinstance(frame, InputAudioRawFrame)] == sound


def test_a_conversation_that_no_message_could_name_is_refused():
    with pytest.raises(ValidationError, match="dialogue_id"):
        EmotionProcessor(
            gateway=Gateway("http://127.0.0.1:9", SecretStr("nobody")),
            dialogue_id="not an id",
            speaker="anna",
            role=None,
            consent=None,
        )
