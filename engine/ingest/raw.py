"""A source of raw samples: standard input, a telephone line, a file without a header."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.base import Heard
from engine.ingest.pcm import FORMATS, to_samples
from engine.ingest.resample import Resampler
from engine.signals import SAMPLE_RATE_HZ

_READ_BYTES = 4096


class Bytes(Protocol):
    """Where raw bytes come from."""

    def read1(self, size: int, /) -> bytes:
        """What there is, at most `size` bytes; waits for the first of them. None at all: it is over."""
        ...

    def close(self) -> None:
        """Free it."""
        ...


class RawSource:
    """Interleaved samples of a known format, for as long as bytes come.

    Args:
        opened: where the bytes come from; raises `ConfigurationError` when there are none.
        format: one of `FORMATS`.
        rate_hz: samples a second and channel.
        channels: how many are interleaved.
        live: see `Source`.
    """

    resumes = False

    def __init__(self, *, opened: Callable[[], Bytes], format: str, rate_hz: int, channels: int, live: bool) -> None:
        self._opened = opened
        self._samples = partial(RawSamples, format=format, rate_hz=rate_hz, channels=channels)
        self._samples()  # what cannot be read is told before anything is opened
        self.live = live

    def pieces(self) -> Generator[Heard, None, None]:
        """See `Source.pieces`."""
        samples = self._samples()
        with closing(self._opened()) as source:
            while data := _read(source):
                yield from samples.feed(data)
        yield from samples.finish()


class RawSamples:
    """Interleaved samples of a known format, for who is handed them as they come.

    Args: see `RawSource`. Raises `ConfigurationError` for a format, a rate or a number of channels there is none of.
    """

    def __init__(self, *, format: str, rate_hz: int, channels: int) -> None:
        if format not in FORMATS:
            raise ConfigurationError(f"no raw format is called {format!r}; there are {', '.join(FORMATS)}")
        if not 1000 <= rate_hz <= 384_000 or not 1 <= channels <= 8:
            raise ConfigurationError(
                f"raw samples have 1 to 8 channels at 1000 to 384000 Hz, not {channels}, {rate_hz}"
            )
        self._format = format
        self._rate_hz = rate_hz
        self._channels = channels
        self._resampler = Resampler(channels=channels)
        self._rest = b""
        self._size = FORMATS[format] * channels
        self._read = 0
        self._given = 0

    def feed(self, data: bytes) -> Iterator[Heard]:
        """The piece that the next bytes bring, if they do; they may end anywhere."""
        self._read += len(data)
        data = self._rest + data
        whole = len(data) // self._size * self._size
        self._rest = data[whole:]
        if whole:
            samples = to_samples(data[:whole], format=self._format, channels=self._channels)
            yield from self._give(self._resampler.feed(self._frame(samples)))

    def finish(self) -> Iterator[Heard]:
        """What was held back. Raises `BadMedia` where not one sample came."""
        if self._read < self._size:
            raise BadMedia(f"no samples came: {self._read} bytes, and a sample of every channel has {self._size}")
        yield from self._give(self._resampler.feed(None))

    def _give(self, samples: NDArray[np.int16]) -> Iterator[Heard]:
        if samples.shape[1]:
            yield Heard(self._given / SAMPLE_RATE_HZ, samples)
            self._given += samples.shape[1]

    def _frame(self, samples: NDArray[np.int16]) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout=f"{self._channels}C")
        frame.sample_rate = self._rate_hz
        return frame


def _read(source: Bytes) -> bytes:
    try:
        return source.read1(_READ_BYTES)
    except OSError as error:
        raise SourceUnavailable(f"the samples broke off: {error.strerror}") from error
