"""One track of a room, from its frames to an uplink."""

import asyncio
from typing import Final

from livekit import rtc

from actors.plugins.uplink import Uplink

RATE_HZ: Final = 16_000
"""What the library is asked to make of a track, mono."""


async def carry(track: rtc.Track, uplink: Uplink) -> None:
    """Listen until the track ends or this is called off, and publish what was heard. Raises what `Uplink.run` does."""
    stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE_HZ, num_channels=1)
    reading = asyncio.create_task(_read(stream, uplink))
    sending = asyncio.create_task(uplink.run())
    try:
        await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.aclose()
        uplink.end()
        await sending


async def _read(stream: rtc.AudioStream, uplink: Uplink) -> None:
    async for heard in stream:
        uplink.put(heard.frame.data.tobytes())
