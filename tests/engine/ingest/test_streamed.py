"""What FFmpeg opens, as pieces: channels, rates, and stamps that do what they should not."""

import itertools
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from engine.errors import BadMedia, ConfigurationError, SourceUnavailable
from engine.ingest.base import Heard, Seen
from engine.ingest.streamed import StreamedSource
from tests.engine.ingest.sources import movie

RATE = 16_000


def tone(seconds, *, hz=440.0, channels=1, rate_hz=RATE):
    wave = 8000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.stack([np.rint(wave * (1 + n) / channels).astype(np.int16) for n in range(channels)])


@pytest.fixture
def listen(tmp_path):
    def listen(data: bytes, **options):
        path = tmp_path / "media"
        path.write_bytes(data)
        pieces = list(StreamedSource(address=str(path), live=False, **options).pieces())
        return [p for p in pieces if isinstance(p, Heard)], [p for p in pieces if isinstance(p, Seen)]

    return listen


def joined(heard):
    return np.concatenate([piece.samples for piece in heard], axis=1)


def contiguous(heard):
    return all(abs(a.end_s - b.start_s) < 1e-6 for a, b in itertools.pairwise(heard))


def test_samples_at_the_engines_rate_pass_as_they_are(listen):
    samples = tone(2.0, channels=2)
    heard, seen = listen(movie(samples=samples))
    assert np.array_equal(joined(heard), samples)
    assert contiguous(heard)
    assert seen == []


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 48_000])
def test_another_rate_has_the_same_length_and_pitch(listen, rate_hz):
    heard, _ = listen(movie(samples=tone(2.0, rate_hz=rate_hz), rate_hz=rate_hz))
    samples = joined(heard)[0]
    assert abs(len(samples) - 2 * RATE) <= 32
    spectrum = np.abs(np.fft.rfft(samples[: 2 * RATE - 64]))
    assert abs(spectrum.argmax() * RATE / (2 * RATE - 64) - 440) < 2


def test_pictures_that_begin_later_begin_later(listen):
    heard, seen = listen(movie(samples=tone(3.0), stamps_s=np.arange(1.0, 3.0, 0.04)))
    assert heard[0].start_s == 0.0
    assert seen[0].start_s == pytest.approx(1.0, abs=0.002)


def test_uneven_pictures_keep_their_times(listen):
    stamps = np.cumsum(np.tile([0.04, 0.3, 0.1], 8))
    _, seen = listen(movie(samples=tone(4.0), stamps_s=stamps))
    assert [piece.start_s for piece in seen] == pytest.approx(list(stamps), abs=0.002)


def test_no_more_pictures_than_wanted_and_none_too_large(listen):
    _, seen = listen(movie(samples=None, stamps_s=np.arange(0, 2, 1 / 30), size=(400, 900)), fps_most=10.0)
    assert len(seen) == 20
    assert {piece.pixels.shape for piece in seen} == {(284, 640, 3)}


def test_lost_sound_is_a_gap_and_pictures_stay_with_it(listen):
    def stamp(at_s):
        return at_s if at_s < 1.0 else at_s + 2.0

    heard, seen = listen(movie(samples=tone(2.0), stamps_s=np.arange(0, 4, 0.04), sound_stamp_s=stamp))
    (gap,) = [(a.end_s, b.start_s) for a, b in itertools.pairwise(heard) if b.start_s - a.end_s > 0.01]
    assert gap == pytest.approx((1.0, 3.0), abs=0.06)
    assert [piece.start_s for piece in seen] == pytest.approx(list(np.arange(0, 4, 0.04)), abs=0.002)


def test_stamps_that_begin_anew_do_not_stop_time(listen):
    def part(begin_s):
        return movie(
            samples=tone(2.0),
            stamps_s=begin_s + np.arange(0, 2, 0.04),
            sound_stamp_s=lambda at_s: begin_s + at_s,
            container="mpegts",
            codec="mp2",
        )

    for first_s, second_s in ((50.0, 0.0), (0.0, 5000.0)):
        heard, seen = listen(part(first_s) + part(second_s))
        assert contiguous(heard)
        assert heard[-1].end_s == pytest.approx(4.0, abs=0.2)
        times = [piece.start_s for piece in seen]
        assert times == sorted(times)
        assert times[-1] == pytest.approx(3.96, abs=0.2)
        assert len(times) >= 98


def test_what_is_not_there_and_what_is_no_media(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        list(StreamedSource(address=str(tmp_path / "nowhere.wav"), live=False).pieces())
    (tmp_path / "letter.wav").write_text("Dear all, " * 500)
    with pytest.raises(BadMedia, match=r"letter\.wav"):
        list(StreamedSource(address=str(tmp_path / "letter.wav"), live=False).pieces())


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


def test_an_address_that_answers_and_one_that_does_not(tmp_path):
    samples = tone(1.0)
    (tmp_path / "live.mkv").write_bytes(movie(samples=samples))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        address = f"http://127.0.0.1:{server.server_port}"
        heard = list(StreamedSource(address=f"{address}/live.mkv", live=True).pieces())
        with pytest.raises(SourceUnavailable, match="absent"):
            list(StreamedSource(address=f"{address}/absent.mkv", live=True).pieces())
        server.shutdown()
        serving.join()
    assert np.array_equal(joined(heard), samples)
    with pytest.raises(SourceUnavailable, match="does not answer"):
        list(StreamedSource(address=f"{address}/live.mkv", live=True).pieces())
