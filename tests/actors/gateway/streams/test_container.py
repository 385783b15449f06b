"""A browser's recording in a process of its own: cut anywhere it gives the same, and a process that dies is told."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from actors.gateway.streams.container import ContainerCutter, ContainerSettings
from actors.gateway.streams.limits import StreamLimits
from engine.errors import BadMedia, DecoderDied
from engine.ingest.endpoint import EndpointSettings
from engine.ingest.segmenter import Identity, Ready
from engine.media.decode import decode
from schemas.topics import ENDED_TYPE, SEGMENT_TYPE, STARTED_TYPE
from tests.actors.gateway.streams.doors import webm
from tests.engine.ingest.sources import talk

DAMAGED = int(os.environ.get("TURNTONE_FUZZ", "200")) // 100
"""Every one of them costs a process."""


def cutter(**limits: float) -> ContainerCutter:
    return ContainerCutter(
        settings=ContainerSettings(
            identity=Identity("d", "run", consent=True),
            speaker="anna",
            role="customer",
            endpoint=EndpointSettings(),
            unheard_s=5.0,
            origin_s=100.0,
            limits=StreamLimits(**limits),
        )
    )


async def cut(data: bytes, *, seed: int, most: int) -> list[Ready]:
    random, position, made, found = Random(seed), 0, cutter(), []
    try:
        while position < len(data):
            size = random.randint(1, most)
            found += await made.feed(data[position : position + size])
            position += size
        return [*found, *await made.finish(reason="over")]
    finally:
        await made.close()


def spans(found: list[Ready]) -> list[tuple[float, float]]:
    return [(r.segment.starttime, r.segment.endtime) for r in found if r.segment.type == SEGMENT_TYPE]


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return talk(2)


@pytest.fixture(scope="module")
def filmed(voice) -> bytes:
    return webm(voice[:60_000], picture=True)


def test_a_recording_cut_anywhere_gives_the_same_segments(voice):
    data = webm(voice, picture=False)
    found = asyncio.run(cut(data, seed=1, most=4000))
    again = asyncio.run(cut(data, seed=2, most=len(data)))
    assert [ready.segment.type for ready in found] == [STARTED_TYPE, SEGMENT_TYPE, SEGMENT_TYPE, ENDED_TYPE]
    assert [ready.value for ready in found] == [ready.value for ready in again]
    assert spans(found) == spans(again)
    assert all(100.0 < start < end < 110.0 for start, end in spans(found))
    first = found[1].segment
    assert (first.speaker, first.role, first.consent, first.sequence) == ("anna", "customer", True, 1)


def test_a_picture_comes_along(filmed):
    found = asyncio.run(cut(filmed, seed=3, most=6000))
    value = next(ready.value for ready in found if ready.segment.type == SEGMENT_TYPE)
    media = decode(value, content_type="video/x-matroska")
    assert media.audio is not None
    assert media.frames is not None


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(DAMAGED))
def test_a_damaged_recording_is_cut_or_refused(filmed, seed):
    data, random = bytearray(filmed), Random(seed)
    for _ in range(random.choice((1, 10, 300))):
        data[random.randrange(len(data))] = random.randrange(256)
    try:
        found = spans(asyncio.run(cut(bytes(data), seed=seed, most=6000)))
    except (BadMedia, DecoderDied):
        return
    assert found == sorted(found)


def test_garbage_starts_no_dialogue():
    async def story() -> None:
        made = cutter()
        try:
            assert await made.finish(reason="over") == []
            for _ in range(50):
                assert await made.feed(Random(0).randbytes(5000)) == []
            await made.finish(reason="over")
        finally:
            await made.close()

    with pytest.raises(BadMedia, match="holds no sound and no picture"):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("number", "answer_s", "sentence"),
    [
        (signal.SIGSEGV, 60.0, "was ended by SIGSEGV"),
        (signal.SIGXCPU, 60.0, "took more than 30 s of the processor"),
        (signal.SIGSTOP, 1.0, "did not answer for 1 s"),
    ],
)
def test_a_process_that_dies_or_hangs_ends_its_stream(voice, number, answer_s, sentence):
    data = webm(voice, picture=False)

    async def story() -> None:
        made = cutter(answer_s=answer_s)
        try:
            await made.feed(data[:1000])
            os.kill(only_child(), number)
            await made.feed(data[1000:])
        finally:
            await made.close()

    with pytest.raises(DecoderDied, match=sentence):
        asyncio.run(story())


def test_a_process_that_gets_no_processor_is_waited_for(voice):
    data, decode_s = webm(voice, picture=False), 0.5

    async def story() -> list[Ready]:
        made = cutter(decode_s=decode_s)
        try:
            found = list(await made.feed(data[:1000]))
            starved = only_child()
            os.kill(starved, signal.SIGSTOP)
            asyncio.get_running_loop().call_later(2 * decode_s, os.kill, starved, signal.SIGCONT)
            found += await made.feed(data[1000:])
            return [*found, *await made.finish(reason="over")]
        finally:
            await made.close()

    assert len(spans(asyncio.run(story()))) == 2


def test_a_process_that_computes_without_end_is_ended_by_the_kernel():
    endless = "from actors.gateway.streams.child import allow_cpu\nallow_cpu(0.0)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", endless]).returncode == -signal.SIGXCPU


def only_child() -> int:
    """The decoding process this test has started."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (found,) = [pid for pid in children if b"gateway.streams.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return int(found)
