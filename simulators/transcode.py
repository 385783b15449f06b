"""A stretch of any media file, encoded anew: H.264 and AAC in mp4 with a picture, PCM in wav without."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import BadMedia
from engine.media.encode import Picture, Sound, encode_mp4, encode_wav

_STILL_FPS = 5
STILL_ALONE_S = 2.0
_SEEK_EARLIER_S = 1.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a media file, in seconds of the file; an `end_s` of None is its end."""

    path: Path
    start_s: float = 0.0
    end_s: float | None = None

    def holds(self, time_s: float) -> bool:
        """Whether a moment of the file lies in the stretch."""
        return time_s >= self.start_s and (self.end_s is None or time_s < self.end_s)


def transcode(stretch: Stretch) -> bytes:
    """The stretch as mp4 or wav. Raises `BadMedia` when nothing lies in it."""
    sound = read_sound(stretch)
    if has_picture(stretch.path):
        return encode_mp4(_read_pictures(stretch), sound)
    if sound is None:
        raise BadMedia(f"{stretch.path} holds nothing between {stretch.start_s} s and {stretch.end_s or 'its end'}")
    return encode_wav(sound)


def still_picture(face: Path, *, voice: Stretch | None) -> bytes:
    """An mp4 that shows one image for as long as the voice lasts."""
    with av.open(str(face)) as source:
        picture = _pixels(next(source.decode(video=0)))
    sound = None if voice is None else read_sound(voice)
    duration_s = STILL_ALONE_S if sound is None else sound.samples.shape[1] / sound.rate_hz
    return encode_mp4(((float(time_s), picture) for time_s in np.arange(0.0, duration_s, 1 / _STILL_FPS)), sound)


def has_picture(path: Path) -> bool:
    """Whether a file has a video stream."""
    with av.open(str(path)) as source:
        return bool(source.streams.video)


def duration_of(media: bytes | Path) -> float:
    """Seconds of the longest stream; read packet by packet where the container does not say."""
    with av.open(str(media) if isinstance(media, Path) else io.BytesIO(media)) as source:
        streams = [*source.streams.audio, *source.streams.video]
        stated = [
            float(stream.duration * stream.time_base) for stream in streams if stream.duration and stream.time_base
        ]
        if stated:
            return max(stated)
        ends = [float((packet.pts + (packet.duration or 0)) * packet.time_base) for packet in _timed(source, streams)]
        return max(ends, default=0.0)


def _timed(source: Any, streams: list[Any]) -> Iterator[Any]:
    return (packet for packet in source.demux(streams) if packet.pts is not None) if streams else iter(())


def read_sound(stretch: Stretch) -> Sound | None:
    """What is heard in a stretch; None where there is nothing to hear."""
    with av.open(str(stretch.path)) as source:
        if not source.streams.audio:
            return None
        stream = source.streams.audio[0]
        channels = min(stream.codec_context.channels, 2)
        rate_hz = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", layout="stereo" if channels == 2 else "mono", rate=rate_hz)
        chunks, first_s = [], None
        for time_s, frame in _frames(source, stream, stretch):
            first_s = time_s if first_s is None else first_s
            chunks += [part.to_ndarray() for part in resampler.resample(frame)]
        chunks += [part.to_ndarray() for part in resampler.resample(None)] if chunks else []
    if first_s is None:
        return None
    samples = np.concatenate(chunks, axis=1).astype(np.float32)
    skip = max(0, round((stretch.start_s - first_s) * rate_hz))
    most = None if stretch.end_s is None else skip + round((stretch.end_s - max(stretch.start_s, first_s)) * rate_hz)
    kept = samples[:, skip:most]
    return Sound(kept, rate_hz) if kept.shape[1] else None


def _read_pictures(stretch: Stretch) -> Iterator[Picture]:
    with av.open(str(stretch.path)) as source:
        for time_s, frame in _frames(source, source.streams.video[0], stretch):
            if stretch.holds(time_s):
                yield time_s - stretch.start_s, _pixels(frame)


def _pixels(frame: Any) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def _frames(source: Any, stream: Any, stretch: Stretch) -> Iterator[tuple[float, Any]]:
    """Frames with their times in the file, from a little before the stretch up to its end."""
    zero_s = (source.start_time or 0) / av.time_base
    if stretch.start_s > _SEEK_EARLIER_S:
        source.seek(int((stretch.start_s - _SEEK_EARLIER_S + zero_s) * av.time_base), backward=True)
    for packet in source.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue  # a seek can land inside a packet; a file without one good packet yields nothing
        for frame in frames:
            if frame.time is None:
                continue
            time_s = frame.time - zero_s
            if stretch.end_s is not None and time_s >= stretch.end_s:
                return
            yield time_s, frame
