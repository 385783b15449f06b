"""Damaged media: no file ends a process other than the decoding one, and each has one of three ends."""

import io
import os
from collections import Counter
from contextlib import closing
from fractions import Fraction

import av
import numpy as np
import pytest

from engine.errors import BadMedia, DecoderDied
from engine.media.base import Limits
from engine.media.pool import DecoderPool
from engine.signals import Media

FILES = int(os.environ.get("TURNTONE_FUZZ", "160"))
"""How many damaged files are decoded."""

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


def encode(container, audio, video):
    """Half a second of noise and of moving noise."""
    generator = np.random.default_rng(len(container))
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        streams = []
        if video is not None:
            picture = out.add_stream(video, rate=25)
            picture.width, picture.height = 96, 64
            picture.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
            shown = [
                generator.integers(0, 255, (8, 12, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(12)
            ]
            streams.append((picture, [av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in shown], 25, 1))
        sound = out.add_stream(audio, rate=48_000)
        sound.layout = "mono"
        blocks = generator.uniform(-0.5, 0.5, (25, 1, 960)).astype(np.float32)
        streams.append(
            (sound, [av.AudioFrame.from_ndarray(b, format="fltp", layout="mono") for b in blocks], 48_000, 960)
        )
        for stream, frames, rate, step in streams:
            for i, frame in enumerate(frames):
                frame.pts, frame.time_base = i * step, Fraction(1, rate)
                if isinstance(frame, av.AudioFrame):
                    frame.sample_rate = rate
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return file.getvalue()


def damaged(data, generator):
    """One of: bytes flipped anywhere, bytes flipped in the header, cut off, a piece lost, a piece doubled, zeros."""
    bytes_ = bytearray(data)
    size = len(bytes_)
    start, end = sorted(generator.integers(0, size, 2).tolist())
    match generator.integers(0, 6):
        case 0:
            for at in generator.integers(0, size, max(1, size // 200)):
                bytes_[at] ^= 1 << int(generator.integers(0, 8))
        case 1:
            for at in generator.integers(0, min(size, 600), 6):
                bytes_[at] = int(generator.integers(0, 256))
        case 2:
            del bytes_[start:]
        case 3:
            del bytes_[start:end]
        case 4:
            bytes_[start:start] = bytes_[start:end]
        case 5:
            bytes_[start:end] = bytes(end - start)
    return bytes(bytes_)


@pytest.mark.fuzz
@pytest.mark.timeout(3600)
def test_every_damaged_file_ends_as_media_or_as_a_named_error():
    whole = [encode(*kind) for kind in KINDS]
    ends: Counter[str] = Counter()
    unsaid = 0
    with closing(DecoderPool(processes=2, limits=Limits(), deadline_s=20.0)) as pool:
        for seed in range(FILES):
            generator = np.random.default_rng(seed)
            data = damaged(whole[seed % len(whole)], generator)
            try:
                media = pool.decode(data, content_type=None)
            except (BadMedia, DecoderDied) as error:
                ends[type(error).__name__] += 1
                unsaid += not str(error)
                continue
            ends["Media"] += 1
            check(media, seed)
        for data in whole:
            check(pool.decode(data, content_type=None), "undamaged")
    print(dict(ends))
    assert unsaid == 0
    assert ends["Media"] > FILES // 10
    assert ends["BadMedia"] > FILES // 20


def check(media, seed):
    assert isinstance(media, Media), f"seed {seed}"
    assert media.audio is not None or media.frames is not None, f"seed {seed}"
    assert 0 <= media.duration_s <= Limits().duration_most_s + 1, f"seed {seed}"
    for array, missing in ((media.audio, media.audio_missing), (media.frames, media.video_missing)):
        assert (array is None) == (missing is not None), f"seed {seed}"
    if media.audio is not None:
        assert np.isfinite(media.audio).all(), f"seed {seed}"
        assert np.abs(media.audio).max(initial=0.0) <= 1.0, f"seed {seed}"
    if media.frames is not None:
        assert len(media.frames) == len(media.frame_times_s) <= Limits().frames_most, f"seed {seed}"
        assert (np.diff(media.frame_times_s) >= 0).all(), f"seed {seed}"
