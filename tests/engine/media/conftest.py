"""Small media made on the spot: a tone and a square that moves."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest


def encode(
    container: str,
    *,
    audio: str | None,
    video: str | None,
    seconds: float = 2.0,
    rate_hz: int = 48_000,
    layout: str = "stereo",
    hz: float = 440.0,
    size: tuple[int, int] = (320, 240),
    fps: int = 25,
) -> bytes:
    """`seconds` of a tone at half scale in every channel, and a white square that runs from left to right."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        streams = []
        if video is not None:
            picture = out.add_stream(video, rate=fps)
            picture.width, picture.height = size
            picture.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            streams.append((picture, _pictures(seconds, fps, size)))
        if audio is not None:
            sound = out.add_stream(audio, rate=rate_hz)
            sound.layout = layout
            streams.append((sound, _sounds(seconds, rate_hz, layout, hz)))
        for stream, frames in streams:
            for frame in [*frames, None]:
                for packet in stream.encode(frame):
                    out.mux(packet)
    return file.getvalue()


def _pictures(seconds: float, fps: int, size: tuple[int, int]) -> list[av.VideoFrame]:
    width, height = size
    count = round(seconds * fps)
    frames = []
    for i in range(count):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        left = round((width - height // 4) * i / max(1, count - 1))
        pixels[height // 3 : height // 3 + height // 4, left : left + height // 4] = 255
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = i, Fraction(1, fps)
        frames.append(frame)
    return frames


def _sounds(seconds: float, rate_hz: int, layout: str, hz: float) -> list[av.AudioFrame]:
    samples = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    channels = av.AudioLayout(layout).nb_channels
    frames = []
    for start in range(0, len(samples), 960):
        block = np.tile(samples[start : start + 960].astype(np.float32), (channels, 1))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        frames.append(frame)
    return frames


@pytest.fixture(scope="session", name="encode")
def _encode():
    return encode


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Two seconds of mp4 with both modalities."""
    return encode("mp4", audio="aac", video="libx264")
