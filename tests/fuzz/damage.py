"""Whole media of every kind, of noise or of a person who speaks, and the ways in which it is damaged."""

import io
from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from simulators.samples import MEETING
from simulators.transcode import Stretch, read_sound

KINDS = [
    ("mp4", "aac", "libx264"),
    ("matroska", "libopus", "libx264"),
    ("webm", "libopus", "libvpx"),
    ("mpegts", "aac", "mpeg4"),
    ("avi", "libmp3lame", "mjpeg"),
    ("wav", "pcm_s16le", None),
    ("flac", "flac", None),
    ("ogg", "libopus", None),
]
"""Container, sound and picture."""
CONTENT_TYPES = (None, None, "video/mp4", "audio/basic", "audio/L16; rate=16000")
"""What is said of a file, right or wrong."""

_RATE_HZ = 48_000
_SPOKEN = Stretch(MEETING / "bbaf2n.mp4", 0.9, 2.3)
_HEADER = 600

Pixels = NDArray[np.uint8]


def noise() -> list[bytes]:
    """Half a second of noise, with moving noise, in every kind."""
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 255, (8, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(12)]
    samples = generator.uniform(-0.5, 0.5, _RATE_HZ // 2).astype(np.float32)
    return [encode(*kind, samples=samples, pictures=pictures) for kind in KINDS]


def speech() -> list[bytes]:
    """Somebody who says a few words and is seen to, in every kind."""
    with av.open(str(_SPOKEN.path)) as source:
        frames = [frame for frame in source.decode(video=0) if frame.time is not None and _SPOKEN.holds(frame.time)]
    pictures = [frame.to_ndarray(format="rgb24") for frame in frames]
    sound = read_sound(_SPOKEN)
    assert sound is not None
    mono = sound.samples.mean(axis=0)
    places = np.arange(0, len(mono), sound.rate_hz / _RATE_HZ)
    samples = np.interp(places, np.arange(len(mono)), mono).astype(np.float32)
    return [encode(*kind, samples=samples, pictures=pictures) for kind in KINDS]


def encode(
    container: str, audio: str, video: str | None, *, samples: NDArray[np.float32], pictures: Sequence[Pixels]
) -> bytes:
    """Mono samples at 48 kHz and pictures at 25 a second."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        streams: list[tuple[object, list[av.AudioFrame | av.VideoFrame], int, int]] = []
        if video is not None:
            picture = out.add_stream(video, rate=25)
            picture.height, picture.width = pictures[0].shape[:2]
            picture.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            shown = [av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in pictures]
            streams.append((picture, shown, 25, 1))
        sound = out.add_stream(audio, rate=_RATE_HZ)
        sound.layout = "mono"
        blocks = samples[: len(samples) // 960 * 960].reshape(-1, 1, 960)
        heard = [av.AudioFrame.from_ndarray(block, format="fltp", layout="mono") for block in blocks]
        streams.append((sound, heard, _RATE_HZ, 960))
        for stream, frames, rate, step in streams:
            for i, frame in enumerate(frames):
                frame.pts, frame.time_base = i * step, Fraction(1, rate)
                if isinstance(frame, av.AudioFrame):
                    frame.sample_rate = rate
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return file.getvalue()


def damaged(data: bytes, other: bytes, generator: np.random.Generator) -> bytes:
    """One of eight: bytes flipped anywhere, bytes flipped in the header, cut off, a piece lost, a piece doubled, zeros,
    the header of another file before it, or another file's end behind it.
    """
    bytes_ = bytearray(data)
    size = len(bytes_)
    start, end = sorted(generator.integers(0, size, 2).tolist())
    match generator.integers(0, 8):
        case 0:
            for at in generator.integers(0, size, max(1, size // 200)):
                bytes_[at] ^= 1 << int(generator.integers(0, 8))
        case 1:
            for at in generator.integers(0, min(size, _HEADER), 6):
                bytes_[at] = int(generator.integers(0, 256))
        case 2:
            del bytes_[start:]
        case 3:
            del bytes_[start:end]
        case 4:
            bytes_[start:start] = bytes_[start:end]
        case 5:
            bytes_[start:end] = bytes(end - start)
        case 6:
            head = int(generator.integers(4, _HEADER))
            bytes_[:head] = other[:head]
        case 7:
            bytes_[start:] = other[len(other) // 2 :]
    return bytes(bytes_)
