"""A voice as a microphone of a LiveKit room brings it."""

import numpy as np
from livekit import rtc

TRACK_HZ = 48_000


async def speak(source: rtc.AudioSource, samples: np.ndarray) -> None:
    """A voice at 16 kHz as a microphone of the room would bring it: 48 kHz, 10 ms a frame, as fast as life."""
    wide = np.repeat(samples, TRACK_HZ // 16_000)
    for start in range(0, len(wide) - 480, 480):
        piece = wide[start : start + 480]
        await source.capture_frame(rtc.AudioFrame(piece.tobytes(), TRACK_HZ, 1, 480))
