"""Sources made for tests: real voices in scripted pieces, connections that break, media written on the spot."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache

import av
import numpy as np

from engine.ingest.base import Heard, Piece, Seen
from engine.media.decode import decode_span
from engine.signals import SAMPLE_RATE_HZ
from simulators.samples import CALL


@cache
def talk(sentences: int = 4, *, pause_s: float = 1.5) -> np.ndarray:
    """`[N]` int16: sentences of the bundled call with pauses between them."""
    pause = np.zeros(round(pause_s * SAMPLE_RATE_HZ), dtype=np.float32)
    parts = [pause]
    for path in sorted(CALL.glob("*.flac"))[:sentences]:
        audio = decode_span(path).audio
        assert audio is not None
        parts += [audio, pause]
    return np.rint(np.concatenate(parts) * 32767).astype(np.int16)


def heard(samples: np.ndarray, *, sizes: Iterable[int], origin_s: float = 0.0) -> Iterator[Heard]:
    """Sound `[N]` or `[C, N]` in pieces of these sizes; the last size is repeated."""
    samples = samples[None] if samples.ndim == 1 else samples
    sizes, start, size = iter(sizes), 0, 0
    while start < samples.shape[1]:
        size = next(sizes, size)
        yield Heard(origin_s + start / SAMPLE_RATE_HZ, samples[:, start : start + size])
        start += size


def seen(*, start_s: float, end_s: float, fps: float = 25.0, size: tuple[int, int] = (96, 128)) -> Iterator[Seen]:
    """A bright square on grey that runs to the right."""
    for number in range(round((end_s - start_s) * fps)):
        pixels = np.full((*size, 3), 90, dtype=np.uint8)
        left = number * 3 % (size[1] - 30)
        pixels[30:60, left : left + 30] = 230
        yield Seen(start_s + number / fps, pixels)


def interleaved(*streams: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces of several streams in the order of their ends."""
    pieces = [piece for stream in streams for piece in stream]
    yield from sorted(pieces, key=lambda piece: piece.end_s)


class Scripted:
    """A source of given connections, each a list of pieces and an error, or None where it ends by itself."""

    def __init__(
        self,
        *connections: tuple[Iterable[Piece], Exception | None],
        live: bool = False,
        before: Callable[[Piece], None] = lambda piece: None,
    ) -> None:
        self.live = live
        self.resumes = live
        self.opened = 0
        self._connections = connections
        self._before = before

    def pieces(self) -> Iterator[Piece]:
        pieces, error = self._connections[min(self.opened, len(self._connections) - 1)]
        self.opened += 1
        for piece in pieces:
            self._before(piece)
            yield piece
        if error is not None:
            raise error


def movie(
    *,
    samples: np.ndarray | None,
    stamps_s: Sequence[float] = (),
    container: str = "matroska",
    codec: str = "pcm_s16le",
    rate_hz: int = SAMPLE_RATE_HZ,
    sound_stamp_s: Callable[[float], float] = lambda at_s: at_s,
    size: tuple[int, int] = (96, 128),
) -> bytes:
    """Media whose time stamps are as they are told to be; sound `[C, N]` int16."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as sink:
        video = sink.add_stream("mpeg4", rate=25) if len(stamps_s) else None
        layout = None if samples is None else ("stereo" if len(samples) == 2 else "mono")
        audio = None if samples is None else sink.add_stream(codec, rate=rate_hz, layout=layout)
        packets = []
        if video is not None:
            video.width, video.height, video.pix_fmt = size[1], size[0], "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
            video.codec_context.max_b_frames = 0
            for picture, stamp_s in zip(seen(start_s=0, end_s=len(stamps_s) / 25, size=size), stamps_s, strict=True):
                frame = av.VideoFrame.from_ndarray(picture.pixels, format="rgb24")
                frame.pts, frame.time_base = round(stamp_s * 1000), Fraction(1, 1000)
                packets += video.encode(frame)
            packets += video.encode(None)
        if audio is not None:
            for piece in heard(samples, sizes=[rate_hz // 20]):
                at_s = piece.start_s * SAMPLE_RATE_HZ / rate_hz
                flat = np.ascontiguousarray(piece.samples.T.reshape(1, -1))
                frame = av.AudioFrame.from_ndarray(flat, format="s16", layout=layout)
                frame.sample_rate, frame.time_base = rate_hz, Fraction(1, 1000)
                frame.pts = round(sound_stamp_s(at_s) * 1000)
                packets += audio.encode(frame)
            packets += audio.encode(None)
        for packet in packets:
            sink.mux(packet)
    return target.getvalue()
