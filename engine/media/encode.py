"""Encoding media: a sound as wav or FLAC, pictures with it as H.264 and AAC in mp4."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import BadMedia

VIDEO_CODEC = "libx264" if "libx264" in av.codecs_available else "mpeg4"
CLOCK = Fraction(1, 60_000)
"""What times of pictures are counted in; MPEG-4 takes nothing finer than 1/65535 s."""
_VIDEO_OPTIONS: dict[str, object] = {"crf": "21", "preset": "medium", "threads": "1"}

Picture = tuple[float, NDArray[np.uint8]]
"""Seconds from the beginning, and `[H, W, 3]` RGB."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples `[C, N]` in [-1, 1], one channel or two."""

    samples: NDArray[np.float32]
    rate_hz: int

    @property
    def layout(self) -> str:
        """What FFmpeg calls these channels."""
        return "stereo" if self.samples.shape[0] == 2 else "mono"


def encode_wav(sound: Sound) -> bytes:
    """The sound as PCM of 16 bits."""
    return _sound_alone(sound, container="wav", codec="pcm_s16le")


def encode_flac(sound: Sound) -> bytes:
    """The sound with 16 bits, nothing of them lost."""
    return _sound_alone(sound, container="flac", codec="flac")


def encode_mp4(pictures: Iterable[Picture], sound: Sound | None) -> bytes:
    """Pictures and the sound to them. Raises `BadMedia` where there is no picture."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as sink:
        video: Any = sink.add_stream(VIDEO_CODEC, rate=25)
        video.options = _VIDEO_OPTIONS
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = CLOCK
        audio = None if sound is None else sink.add_stream("aac", rate=sound.rate_hz, layout=sound.layout)
        empty = True
        for time_s, pixels in pictures:
            frame = video_frame(pixels, time_s=time_s)
            if empty:
                video.width, video.height, empty = frame.width, frame.height, False
            sink.mux(video.encode(frame))
        if empty:
            raise BadMedia("the stretch holds no picture")
        sink.mux(video.encode(None))
        if audio is not None and sound is not None:
            encode_sound(sink, audio, sound)
    return target.getvalue()


def video_frame(pixels: NDArray[np.uint8], *, time_s: float) -> av.VideoFrame:
    """RGB pixels as the frame of a moment; an odd row or column is cut off, for no encoder takes one."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
    frame.pts, frame.time_base = round(time_s / CLOCK), CLOCK
    return frame


def encode_sound(sink: Any, stream: Any, sound: Sound) -> None:
    """Write the whole sound into a stream of an open container."""
    resampler = av.AudioResampler(
        format=stream.codec_context.format.name,
        layout=sound.layout,
        rate=stream.codec_context.sample_rate,
        frame_size=stream.codec_context.frame_size or None,
    )
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.samples), format="fltp", layout=sound.layout)
    frame.sample_rate, frame.pts, frame.time_base = sound.rate_hz, 0, Fraction(1, sound.rate_hz)
    for part in (frame, None):
        for piece in resampler.resample(part):
            sink.mux(stream.encode(piece))
    sink.mux(stream.encode(None))


def _sound_alone(sound: Sound, *, container: str, codec: str) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format=container) as sink:
        encode_sound(sink, sink.add_stream(codec, rate=sound.rate_hz, layout=sound.layout), sound)
    return target.getvalue()
