"""The pictures of a stream, coded as they come and cut without coding them again."""

import io
from collections import deque
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

import av

from engine.ingest.base import Seen
from engine.media.encode import CLOCK, VIDEO_CODEC, Sound, encode_sound, video_frame

_FPS = 25
_KEY_EVERY_S = 0.25
"""A cut begins at a picture that needs no other; so much of its beginning it can lack."""


@dataclass(frozen=True, slots=True)
class _Coded:
    start_s: float
    data: bytes
    key: bool


class Film:
    """The last pictures of one stream, small enough to be kept by the minute.

    Coding once, with a picture that stands alone every quarter of a second, spreads the work evenly, lets a cut be
    nothing but a copy, and bounds what is kept by the bit rate.

    Args:
        keep_s: how far back a cut can reach.
        bits_per_s: rate that is never exceeded for longer than a second.
    """

    def __init__(self, *, keep_s: float, bits_per_s: int) -> None:
        self._keep_s = keep_s
        self._bits_per_s = bits_per_s
        self._coded: deque[_Coded] = deque()
        self._encoder: Any = None
        self._key_s = float("-inf")
        self.end_s: float | None = None
        """Time of the last picture; None: there was none yet."""

    def add(self, seen: Seen) -> None:
        """Take the next picture; one that is not later than the last is left out."""
        frame = video_frame(seen.pixels, time_s=seen.start_s)
        if self._encoder is None:
            self._encoder = self._start(frame.width, frame.height)
        elif self.end_s is not None and seen.start_s < self.end_s + 2 * float(CLOCK):
            return
        width, height = self._encoder.width, self._encoder.height
        if (frame.width, frame.height) != (width, height):
            pts = frame.pts
            frame = frame.reformat(width=width, height=height, threads=1)
            frame.pts, frame.time_base = pts, CLOCK
        if seen.start_s >= self._key_s + _KEY_EVERY_S:
            frame.pict_type = av.video.frame.PictureType.I
            self._key_s = seen.start_s
        self.end_s = seen.start_s
        for packet in self._encoder.encode(frame):
            self._coded.append(_Coded(float(packet.pts * CLOCK), bytes(packet), packet.is_keyframe))
        while self._coded[0].start_s < seen.start_s - self._keep_s:
            self._coded.popleft()

    def cut(self, start_s: float, end_s: float, *, sound: Sound | None) -> bytes | None:
        """A span as H.264 in matroska, with the sound to it as FLAC; None where no picture lies in it."""
        within = (coded for coded in self._coded if start_s <= coded.start_s < end_s)
        chosen = list(dropwhile(lambda coded: not coded.key, within))
        if not chosen:
            return None
        target = io.BytesIO()
        with av.open(target, "w", format="matroska") as sink:
            video = sink.add_stream_from_template(self._encoder)
            audio = None if sound is None else sink.add_stream("flac", rate=sound.rate_hz, layout=sound.layout)
            for coded in chosen:
                packet: Any = av.Packet(coded.data)
                packet.stream, packet.time_base, packet.is_keyframe = video, CLOCK, coded.key
                packet.pts = packet.dts = round((coded.start_s - start_s) / CLOCK)
                sink.mux(packet)
            if sound is not None:
                encode_sound(sink, audio, sound)
        return target.getvalue()

    def _start(self, width: int, height: int) -> Any:
        """An encoder whose packets come at once; its container is only there to hold it."""
        holder = av.open(io.BytesIO(), "w", format="matroska")
        encoder: Any = holder.add_stream(VIDEO_CODEC, rate=_FPS)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        context = encoder.codec_context
        context.time_base, context.max_b_frames, context.gop_size = CLOCK, 0, 250
        rate = str(self._bits_per_s)
        encoder.options = {"maxrate": rate, "bufsize": rate, "threads": "1"}
        if VIDEO_CODEC == "libx264":
            encoder.options |= {"preset": "veryfast", "tune": "zerolatency", "crf": "26", "forced-idr": "1"}
        else:
            context.bit_rate = self._bits_per_s
        holder.start_encoding()
        return encoder
