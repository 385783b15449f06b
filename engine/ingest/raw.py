"""A source of raw samples: standard input, a telephone line, a file without a header."""

from collections.abc import Callable, Generator
from contextlib import closing
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
        if format not in FORMATS:
            raise ConfigurationError(f"no raw format is called {format!r}; there are {', '.join(FORMATS)}")
        if not 1000 <= rate_hz <= 384_000 or not 1 <= channels <= 8:
            raise ConfigurationError(
                f"raw samples have 1 to 8 channels at 1000 to 384000 Hz, not {channels}, {rate_hz}"
            )
        self._opened = opened
        self._format = format
        self._rate_hz = rate_hz
        self._channels = channels
        self.live = live

    def pieces(self) -> Generator[Heard, None, None]:
        """See `Source.pieces`."""
        resampler = Resampler(channels=self._channels)
        size = FORMATS[self._format] * self._channels
        rest, read, done = b"", 0, 0
        with closing(self._opened()) as source:
            while data := _read(source):
                read += len(data)
                data = rest + data
                whole = len(data) // size * size
                rest = data[whole:]
                samples = to_samples(data[:whole], format=self._format, channels=self._channels)
                heard = resampler.feed(self._frame(samples)) if whole else samples
                if heard.shape[1]:
                    yield Heard(done / SAMPLE_RATE_HZ, heard)
                    done += heard.shape[1]
        if read < size:
            raise BadMedia(f"no samples came: {read} bytes, and a sample of every channel has {size}")
        held = resampler.feed(None)
        if held.shape[1]:
            yield Heard(done / SAMPLE_RATE_HZ, held)

    def _frame(self, samples: NDArray[np.int16]) -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout=f"{self._channels}C")
        frame.sample_rate = self._rate_hz
        return frame


def _read(source: Bytes) -> bytes:
    try:
        return source.read1(_READ_BYTES)
    except OSError as error:
        raise SourceUnavailable(f"the samples broke off: {error.strerror}") from error
