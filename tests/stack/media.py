"""Media of every kind a stranger may send, made from the bundled voices and faces."""

import io
from collections.abc import Iterable
from fractions import Fraction
from functools import cache

import av
import numpy as np

from engine.media.decode import decode_span
from engine.signals import SAMPLE_RATE_HZ, Waveform
from simulators.samples import CALL, MEETING

CLIP = MEETING / "bbaf2n.mp4"
"""A voice and a face."""
VOICE = CALL / "14b01Fa.flac"
BOMB_SIDES_PX = (3840, 2160)
BOMB_FRAMES = 32


@cache
def voice() -> Waveform:
    """A sentence, mono at `SAMPLE_RATE_HZ`."""
    audio = decode_span(VOICE).audio
    assert audio is not None
    return audio


def silence(*, duration_s: float) -> Waveform:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), dtype=np.float32)


def encoded(
    waveform: Waveform, *, container: str, codec: str, rate_hz: int = SAMPLE_RATE_HZ, layout: str = "mono"
) -> bytes:
    """A waveform as the bytes of a file."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate_hz)
        for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return file.getvalue()


def without_sound() -> bytes:
    """The clip's picture alone, as it is coded."""
    file = io.BytesIO()
    with av.open(CLIP) as source, av.open(file, "w", format="mp4") as output:
        (video,) = source.streams.video
        stream = output.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return file.getvalue()


def memory_bomb() -> bytes:
    """A picture that is allowed by its size, and in a coding that takes eight bytes a pixel, again and again."""
    width, height = BOMB_SIDES_PX
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "gbrap16le"
        frame = av.VideoFrame(width, height, stream.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        coded = b"".join(bytes(packet) for packet in _packets(stream, frame))
        for number in range(BOMB_FRAMES):
            packet = av.Packet(coded)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), True
            packet.pts = packet.dts = number
            output.mux(packet)
    return file.getvalue()


def _packets(stream: av.VideoStream, frame: av.VideoFrame) -> Iterable["av.Packet[av.VideoStream]"]:
    yield from stream.encode(frame)
    yield from stream.encode(None)
