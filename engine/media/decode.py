"""Decoding media with PyAV: bytes or a span of a file in, a mono waveform and a few frames out."""

import io
import math
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media.base import Limits
from engine.media.container import open_media
from engine.media.picture import Picture
from engine.media.sound import Sound
from engine.media.strip import Strip
from engine.signals import SAMPLE_RATE_HZ, Media

_PREROLL_S = 0.3
"""Decoders need a little of what came before to be right at a span's start."""
_FRAME_S = 0.04
"""How long a frame is shown in a stream that does not say."""
_Stream = TypeVar("_Stream", bound=Stream)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header of a recording says."""

    duration_s: float | None
    """None: it does not say."""
    has_audio: bool
    has_video: bool


def decode(
    data: bytes, *, content_type: str | None, declared_s: float | None = None, limits: Limits | None = None
) -> Media:
    """Decode a segment in this process; see `Decoder.decode`. What of a damaged one decodes is returned."""
    if not data:
        raise BadMedia("the value is empty; a media segment carries its media as the record's value")
    limits = limits or Limits()
    if len(data) > limits.bytes_most:
        raise BadMedia(
            f"it has {len(data)} bytes; at most {limits.bytes_most} are decoded (media.most_bytes); "
            "cut it into utterances"
        )
    with open_media(io.BytesIO(data), content_type=content_type, limits=limits) as container:
        return _collect(container, declared_s=declared_s, window=None, limits=limits)


def decode_span(
    path: Path, *, start_s: float | None = None, end_s: float | None = None, limits: Limits | None = None
) -> Media:
    """Decode part of a recording, in seconds of it; no start and no end mean the whole file."""
    limits = limits or Limits()
    window = (start_s or 0.0, math.inf if end_s is None else end_s)
    if window[1] <= window[0]:
        raise BadMedia(f"{path.name}: the end {end_s} s is not after the start {start_s} s")
    with _mapped(path) as file, open_media(file, content_type=None, limits=limits) as container:
        return _collect(container, declared_s=None, window=window, limits=limits)


def probe(path: Path) -> Probe:
    """What a recording holds, without decoding it. Raises `BadMedia` where it is no media."""
    with _mapped(path) as file, open_media(file, content_type=None, limits=Limits()) as container:
        audio, video = _streams(container)
        duration_s = None if container.duration is None else container.duration / av.time_base
        return Probe(duration_s=duration_s, has_audio=audio is not None, has_video=video is not None)


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    """A file as bytes without a name: a name's ending would decide how it is read."""
    if path.stat().st_size == 0:
        raise BadMedia(f"{path.name} is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped


def _streams(container: InputContainer) -> tuple[AudioStream | None, VideoStream | None]:
    """The first stream of each kind; the picture on a record's cover is no video."""
    audio = next(iter(container.streams.audio), None)
    moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return audio, next(moving, None)


def _known(stream: _Stream | None) -> TypeGuard[_Stream]:
    """Whether there is a decoder for a stream; without one it has no size and no rate either."""
    return stream is not None and stream.codec_context is not None


def _collect(
    container: InputContainer, *, declared_s: float | None, window: tuple[float, float] | None, limits: Limits
) -> Media:
    audio, video = _streams(container)
    if audio is None and video is None:
        raise BadMedia("it holds neither an audio nor a video stream")
    if _known(video) and video.width * video.height > limits.pixels_most:
        raise BadMedia(
            f"frames of {video.width}x{video.height} pixels; at most {limits.pixels_most} are taken (media.pixels)"
        )
    origin_s = (container.start_time or 0) / av.time_base
    from_s, until_s = (-math.inf, math.inf) if window is None else (origin_s + window[0], origin_s + window[1])
    if window is not None and window[0] > _PREROLL_S:
        _seek(container, from_s - _PREROLL_S)
    sound = Sound(duration_most_s=limits.duration_most_s + _PREROLL_S)
    picture, strip = Picture(limits=limits), Strip(limits=limits)
    for frame in _frames(container, audio, video, limits=limits, until_s=until_s):
        if isinstance(frame, AudioFrame):
            sound.add(frame)
        elif video is not None and (frame.time is None or from_s <= frame.time < until_s):
            picture.add(frame, shown_s=_shown_s(frame, video))
            strip.add(frame)
    sound.finish()
    starts = [start for start in (sound.start_s, picture.start_s) if start is not None]
    if not starts:
        raise BadMedia("nothing of its audio and video can be decoded")
    begin_s = min(starts) if window is None else from_s
    shown_s = declared_s if container.format.name.endswith("_pipe") else None
    if max(max(starts) - begin_s, shown_s or 0.0) > limits.duration_most_s:
        raise BadMedia(f"lasts longer than {limits.duration_most_s:g} s (media.longest_s); cut it into utterances")
    return _media(sound, picture, strip, begin_s=begin_s, until_s=until_s, audio=audio, video=video, shown_s=shown_s)


def _media(
    sound: Sound,
    picture: Picture,
    strip: Strip,
    *,
    begin_s: float,
    until_s: float,
    audio: AudioStream | None,
    video: VideoStream | None,
    shown_s: float | None,
) -> Media:
    waveform = sound.waveform(from_s=begin_s, until_s=until_s) if sound.samples else None
    if waveform is not None and len(waveform) == 0:
        waveform = None
    frames, times = picture.sampled() if picture.start_s is not None else (None, None)
    grey, grey_times = strip.frames() or (None, None)
    if waveform is None and frames is None:
        raise BadMedia("nothing lies in this span of it")
    heard_s = 0.0 if waveform is None else len(waveform) / SAMPLE_RATE_HZ
    seen_s = 0.0 if frames is None else min(picture.end_s, until_s) - begin_s
    return Media(
        duration_s=max(heard_s, seen_s) if shown_s is None else shown_s,
        audio=waveform,
        frames=frames,
        frame_times_s=None if times is None else times - begin_s,
        strip=grey,
        strip_times_s=None if grey_times is None else grey_times - begin_s,
        audio_missing=None if waveform is not None else _reason(audio, "audio"),
        video_missing=None if frames is not None else _reason(video, "video"),
    )


def _reason(stream: AudioStream | VideoStream | None, kind: str) -> str:
    return f"no {kind} stream" if stream is None else f"the {kind} stream cannot be decoded"


def _seek(container: InputContainer, time_s: float) -> None:
    try:
        container.seek(max(0, int(time_s * av.time_base)))
    except av.FFmpegError:
        return  # a file that cannot be searched is read from its start


def _shown_s(frame: VideoFrame, video: VideoStream) -> float:
    if frame.duration and frame.time_base:
        return float(frame.duration * frame.time_base)
    return float(1 / video.average_rate) if video.average_rate else _FRAME_S


def _frames(
    container: InputContainer,
    audio: AudioStream | None,
    video: VideoStream | None,
    *,
    limits: Limits,
    until_s: float,
) -> Iterator[AudioFrame | VideoFrame]:
    """Every frame that can be decoded, until all streams are past `until_s`; damaged packets are passed over."""
    streams = [stream for stream in (audio, video) if _known(stream)]
    for stream in streams:
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"max_pixels": str(limits.pixels_most)}
    running = {stream.index for stream in streams}
    packets = container.demux(*streams) if streams else iter(())
    while running:
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            return
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError):
            continue
        except IndexError:  # PyAV cannot go on where a stream begins that the header did not name
            return
        for frame in frames:
            if not isinstance(frame, AudioFrame | VideoFrame):
                continue
            if frame.time is not None and frame.time >= until_s:
                running.discard(packet.stream_index)
            elif packet.stream_index in running:
                yield frame
