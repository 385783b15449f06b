"""The way to the gateway: what waits, what is filled with silence, what is begun again, what is given up."""

import asyncio
from random import Random

import pytest
from pydantic import SecretStr

from actors.gateway.streams.messages import Segmented, Start
from actors.plugins.extra import require
from actors.plugins.steady import Steady
from actors.plugins.uplink import Gateway, NotTaken, Uplink
from actors.plugins.waiting import Waiting
from engine.clock import Clock, ManualClock, SystemClock
from engine.errors import ConfigurationError, Unavailable
from engine.ingest.reconnect import Backoff
from schemas.topics import SEGMENT_TYPE
from tests.actors.gateway.opened import OWNER
from tests.actors.plugins.rooms import turntone
from tests.engine.ingest.sources import talk

SECOND = 32_000
"""Bytes at 16 kHz."""
START = Start(type="start", dialogue_id="d", format="s16le", rate_hz=16_000, speaker="anna", role="customer")


def uplink_to(gateway: Gateway, told: list[Segmented], *, clock: Clock | None = None, attempts=None) -> Uplink:
    return Uplink(
        gateway=gateway,
        start=START,
        clock=clock or SystemClock(),
        backoff=Backoff(first_s=0.01, most_s=0.02, attempts=attempts),
        random=Random(1),
        tell=told.append,
    )


def test_silence_stands_where_nothing_came():
    clock = ManualClock()
    steady = Steady(rate_hz=16_000, frame_bytes=2, clock=clock)
    steady.give(bytes(SECOND))
    clock.advance(1.9)
    assert steady.silence() == b""
    clock.advance(3.1)
    owed = [steady.silence(), steady.silence(), steady.silence()]
    assert [len(one) / SECOND for one in owed] == [2.0, 1.7, 0.0]
    assert not any(map(any, owed))


def test_the_oldest_goes_where_too_much_waits():
    async def waited() -> None:
        waiting = Waiting(room_bytes=8, frame_bytes=4)
        waiting.put(b"aaaabbbb")
        waiting.put(b"cccc")
        assert waiting.dropped_bytes == 4
        assert await waiting.take(4, within_s=1) == b"bbbb"
        assert await waiting.take(100, within_s=1) == b"cccc"
        assert await waiting.take(100, within_s=0.01) == b""
        with pytest.raises(ConfigurationError, match="whole frames of 4 bytes, not 3"):
            waiting.put(b"ddd")
        waiting.end()
        waiting.put(b"eeee")
        assert not await waiting.come()

    asyncio.run(waited())


def test_what_is_said_before_the_end_is_published():
    told: list[Segmented] = []

    async def sent(behind) -> None:
        uplink = uplink_to(behind.gateway, told)
        running = asyncio.create_task(uplink.run())
        pcm = talk(1).tobytes()
        uplink.put(pcm[:SECOND])
        await behind.streaming()
        uplink.put(pcm[SECOND:])
        uplink.end()
        await running
        assert uplink.dropped_s == 0

    with turntone() as behind:
        asyncio.run(sent(behind))
        assert [segment.type for segment in behind.segments()][1:] == [SEGMENT_TYPE]
    assert len(told) == 1


def test_a_long_pause_ends_the_stream_and_the_next_word_begins_another():
    clock = ManualClock()

    async def sent(behind) -> None:
        uplink = uplink_to(behind.gateway, [], clock=clock)
        running = asyncio.create_task(uplink.run())
        for begun in (1, 2):
            uplink.put(bytes(SECOND))
            await behind.until(lambda begun=begun: len(behind.announced()) == begun)
            clock.advance(31.0)
            await behind.until(lambda: behind.log.figures.read().levels["streams"] == 0)
        uplink.end()
        await running

    with turntone() as behind:
        asyncio.run(sent(behind))
        assert len({segment.source for segment in behind.segments()}) == 2


def test_a_gateway_that_comes_back_hears_what_is_new():
    async def sent() -> None:
        with turntone() as behind:
            port = int(behind.client.url.rpartition(":")[2])
            uplink = uplink_to(behind.gateway, [])
            running = asyncio.create_task(uplink.run())
            uplink.put(bytes(SECOND))
            await behind.streaming()
        with turntone(port=port) as behind:
            await behind.until(lambda: uplink.put(bytes(640)) or behind.announced())
            uplink.end()
            await running

    asyncio.run(sent())


def test_a_stranger_is_told_at_once():
    async def refused(behind) -> None:
        uplink = uplink_to(Gateway(behind.gateway.url, SecretStr("somebody-else-s-token")), [])
        uplink.put(bytes(SECOND))
        await uplink.run()

    with turntone() as behind, pytest.raises(NotTaken, match=r"ended a stream of \S+: a stream needs a token"):
        asyncio.run(refused(behind))


def test_attempts_run_out_where_no_gateway_is():
    async def alone() -> None:
        uplink = uplink_to(Gateway("http://127.0.0.1:9", SecretStr(OWNER)), [], attempts=2)
        uplink.put(bytes(SECOND))
        await uplink.run()

    with pytest.raises(Unavailable, match="no gateway answers at http"):
        asyncio.run(alone())


def test_a_missing_library_says_how_to_get_it():
    with pytest.raises(ConfigurationError, match=r"pip install 'turntone\[livekit\]'"):
        require("nobody_has_this", extra="livekit")
