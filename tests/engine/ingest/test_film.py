"""The pictures that are kept: bounded, cut anywhere, small enough for a record."""

import io

import av
import numpy as np
import pytest

from engine.ingest.base import Seen
from engine.ingest.film import Film
from engine.media.decode import decode
from tests.engine.ingest.sources import seen


def test_nothing_older_than_wanted_is_kept():
    film = Film(keep_s=4.0, bits_per_s=1_000_000)
    for picture in seen(start_s=0.0, end_s=20.0):
        film.add(picture)
    assert film.cut(0.0, 15.9, sound=None) is None
    assert film.cut(16.0, 20.0, sound=None) is not None


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_any_of_the_codecs_can_be_cut(codec, monkeypatch):
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    monkeypatch.setattr("engine.ingest.film.VIDEO_CODEC", codec)
    film = Film(keep_s=30.0, bits_per_s=1_000_000)
    for picture in seen(start_s=0.0, end_s=6.0):
        film.add(picture)
    media = decode(film.cut(2.0, 5.0, sound=None), content_type="video/x-matroska")
    assert len(media.frames) == 15


def test_a_cut_begins_at_most_a_quarter_of_a_second_late_whatever_the_rate():
    for fps in (25.0, 7.0, 1.0):
        film = Film(keep_s=30.0, bits_per_s=1_000_000)
        for picture in seen(start_s=0.0, end_s=20.0, fps=fps):
            film.add(picture)
        for start_s in (0.0, 3.1, 7.77):
            with av.open(io.BytesIO(film.cut(start_s, start_s + 5, sound=None))) as container:
                times = [frame.time for frame in container.decode(video=0)]
            assert times[0] <= 0.25 + 1 / fps
            assert len(times) >= 5 * fps - 0.25 * fps - 1


def test_noise_is_made_to_fit():
    film, rng = Film(keep_s=30.0, bits_per_s=800_000), np.random.default_rng(1)
    for number in range(250):
        film.add(Seen(number / 25, rng.integers(0, 255, (180, 320, 3), dtype=np.uint8)))
    cut = film.cut(0.0, 10.0, sound=None)
    assert len(cut) * 8 / 10 < 1.3 * 800_000


def test_pictures_that_change_their_size_or_do_not_advance():
    film = Film(keep_s=30.0, bits_per_s=1_000_000)
    pictures = [
        *seen(start_s=0.0, end_s=1.0, size=(96, 128)),
        *seen(start_s=0.96, end_s=1.0, size=(96, 128)),
        *seen(start_s=1.0, end_s=2.0, size=(121, 161)),
    ]
    for picture in pictures:
        film.add(picture)
    media = decode(film.cut(0.0, 2.0, sound=None), content_type="video/x-matroska")
    assert media.frames.shape[1:] == (96, 128, 3)
    assert media.frame_times_s[-1] > 1.8
