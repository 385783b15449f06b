"""A source that FFmpeg opens: files, RTSP, RTMP, HTTP, devices."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.base import SIDE_MOST_PX, Heard, Piece, Seen
from engine.ingest.resample import Resampler
from engine.ingest.shown import without_secrets
from engine.ingest.timeline import picture_timeline, sound_timeline
from engine.signals import SAMPLE_RATE_HZ

_MISSING = (av.FileNotFoundError, av.PermissionError, av.IsADirectoryError, av.ProtocolNotFoundError)
_PIXELS_MOST = 3840 * 2160
_EARLY_S = 0.002
"""Stamps are rounded to milliseconds in some containers."""


class Readable(Protocol):
    """Bytes in order."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none: it is over."""
        ...


class StreamedSource:
    """One sound stream and one picture stream of whatever FFmpeg can open.

    Args:
        address: a path or an address; with `file`, what it is called.
        file: where its bytes are read instead: no name decides how it is read, and it names nothing to be opened.
        format: FFmpeg's name of it where it cannot be told from the address, for devices.
        options: FFmpeg's own, by name.
        live: see `Source`; what is live can be opened again.
        silent_s: without a word from the other side for so long, it is lost.
        fps_most: pictures a second that are looked at.
    """

    def __init__(
        self,
        *,
        address: str,
        file: Readable | None = None,
        format: str | None = None,
        options: Mapping[str, str] | None = None,
        live: bool,
        silent_s: float = 10.0,
        fps_most: float = 25.0,
    ) -> None:
        self._opened: Readable | str = address if file is None else file
        self._shown = without_secrets(address)
        self._format = format
        self._options = dict(options or {})
        self._silent_s = silent_s
        self._fps_most = fps_most
        self.live = live
        self.resumes = live

    def pieces(self) -> Generator[Piece, None, None]:
        """See `Source.pieces`."""
        with closing(self._open()) as container:
            listening = _Listening(container, shown=self._shown, fps_most=self._fps_most)
            packets = container.demux(*listening.streams)
            while True:
                try:
                    packet = next(packets)
                except (StopIteration, IndexError):  # IndexError: a stream begins that the header did not name
                    break
                except (av.FFmpegError, OSError) as error:
                    raise SourceUnavailable(f"{self._shown} broke off: {_sentence(error)}") from error
                try:
                    frames = packet.decode()
                except (av.FFmpegError, ValueError):
                    continue  # a damaged packet is passed over
                for frame in frames:
                    if isinstance(frame, AudioFrame | VideoFrame):
                        yield from listening.take(frame)
            yield from listening.finish()

    def _open(self) -> InputContainer:
        try:
            return av.open(
                self._opened,
                "r",
                format=self._format,
                options=self._options,
                timeout=(self._silent_s, self._silent_s),
                metadata_errors="ignore",
            )
        except _MISSING as error:
            raise ConfigurationError(f"{self._shown} cannot be opened: {_sentence(error)}") from error
        except (av.InvalidDataError, ValueError) as error:
            raise BadMedia(f"{self._shown} holds no sound and no picture that can be read") from error
        except (av.FFmpegError, OSError) as error:
            raise SourceUnavailable(f"{self._shown} does not answer: {_sentence(error)}") from error


class _Listening:
    """One connection: its two streams and their clocks."""

    def __init__(self, container: InputContainer, *, shown: str, fps_most: float) -> None:
        sound = next((s for s in container.streams.audio if s.codec_context is not None), None)
        moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
        picture = next((s for s in moving if s.codec_context is not None), None)
        if sound is None and picture is None:
            raise BadMedia(f"{shown} holds no sound and no picture that can be read")
        if picture is not None and picture.width * picture.height > _PIXELS_MOST:
            raise BadMedia(f"{shown} has pictures of {picture.width}x{picture.height} pixels; too large")
        self.streams = [stream for stream in (sound, picture) if stream is not None]
        for stream in self.streams:
            stream.codec_context.thread_count = 1
        beginning: Any = container.start_time  # None where nobody knows, whatever its type says
        self._zero_s: float | None = None if beginning is None else beginning / av.time_base
        self._ear: _Ear | None = None
        self._eye: _Eye | None = None
        self._fps_most = fps_most

    def take(self, frame: AudioFrame | VideoFrame) -> Iterator[Piece]:
        """What the next frame brings."""
        if self._zero_s is None:
            self._zero_s = frame.time or 0.0
        if isinstance(frame, AudioFrame):
            self._ear = self._ear or _Ear(zero_s=self._zero_s, channels=frame.layout.nb_channels)
            yield from self._ear.take(frame)
        else:
            self._eye = self._eye or _Eye(zero_s=self._zero_s, fps_most=self._fps_most)
            yield from self._eye.take(frame)

    def finish(self) -> Iterator[Piece]:
        """What is held back."""
        if self._ear is not None:
            yield from self._ear.finish()


class _Ear:
    """Places and resamples sound. Channels that come or go on the way do not change how many are told apart."""

    def __init__(self, *, zero_s: float, channels: int) -> None:
        self._clock = sound_timeline(zero_s)
        self._channels = channels
        self._resampler: Resampler | None = None
        self._shape: tuple[int, str, str] | None = None
        self._taken_s = 0.0
        self._anchor_s = 0.0
        self._given = 0

    def take(self, frame: AudioFrame) -> Iterator[Heard]:
        lasts_s = frame.samples / frame.sample_rate
        start_s = self._clock.place(frame.time, lasts_s=lasts_s)
        shape = (frame.sample_rate, frame.layout.name, frame.format.name)
        if self._resampler is None or shape != self._shape or start_s > self._taken_s:
            yield from self.finish()
            self._resampler, self._shape = Resampler(channels=self._channels), shape
            self._anchor_s, self._given = max(start_s, self._given_s), 0
        self._taken_s = start_s + lasts_s
        yield from self._give(self._resampler.feed(frame))

    def finish(self) -> Iterator[Heard]:
        if self._resampler is not None:
            yield from self._give(self._resampler.feed(None))

    def _give(self, samples: NDArray[np.int16]) -> Iterator[Heard]:
        if samples.shape[1]:
            yield Heard(self._given_s, samples)
            self._given += samples.shape[1]

    @property
    def _given_s(self) -> float:
        return self._anchor_s + self._given / SAMPLE_RATE_HZ


class _Eye:
    """Places pictures, leaves some out where there are too many, and makes them small, upright RGB."""

    def __init__(self, *, zero_s: float, fps_most: float) -> None:
        self._clock = picture_timeline(zero_s)
        self._step_s = 1 / fps_most
        self._due_s = 0.0

    def take(self, frame: VideoFrame) -> Iterator[Seen]:
        start_s = self._clock.place(frame.time, lasts_s=0.0)
        if start_s < self._due_s - _EARLY_S:
            return
        self._due_s = max(self._due_s + self._step_s, start_s)
        scale = min(1.0, SIDE_MOST_PX / max(frame.width, frame.height))
        width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
        pixels = frame.reformat(width=width, height=height, format="rgb24", threads=1).to_ndarray()
        yield Seen(start_s, np.ascontiguousarray(np.rot90(pixels.astype(np.uint8, copy=False), frame.rotation // 90)))


def _sentence(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
