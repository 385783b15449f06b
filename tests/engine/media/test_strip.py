from fractions import Fraction

import av
import numpy as np
import pytest

from engine.media.base import Limits
from engine.media.decode import decode
from engine.media.encode import encode_mp4
from engine.media.strip import Strip


def shown(time_s, *, value=0, width=640, height=360):
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), value, np.uint8), format="rgb24")
    frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
    return frame


def strip_of(times_s, **limits):
    strip = Strip(limits=Limits(**limits))
    for number, time_s in enumerate(times_s):
        strip.add(shown(time_s, value=number % 256))
    return strip.frames()


def test_every_frame_of_a_film_is_kept_small_and_grey():
    frames, times_s = strip_of(np.arange(50) / 25)
    assert frames.shape == (50, 270, 480)
    np.testing.assert_allclose(times_s, np.arange(50) / 25, atol=1e-4)
    np.testing.assert_allclose(frames.mean(axis=(1, 2)), np.arange(50), atol=1)


def test_a_fast_film_is_kept_at_the_rate():
    _, times_s = strip_of(np.arange(120) / 60)
    np.testing.assert_allclose(np.diff(times_s), 1 / 30, atol=1e-4)


@pytest.mark.parametrize("frames", [39, 40, 41, 100, 1000])
def test_a_long_film_has_a_slower_strip_and_never_more_frames(frames):
    _, times_s = strip_of(np.arange(frames) / 25, strip_most=40)
    assert min(frames, 20) <= len(times_s) <= 40
    steps = np.diff(times_s)
    np.testing.assert_allclose(steps, steps[0], atol=1e-3)
    assert times_s[-1] >= frames / 25 - 2 * steps[0]


def test_frames_without_a_time_make_no_strip():
    strip = Strip(limits=Limits())
    frame = shown(0.0)
    frame.pts = None
    strip.add(frame)
    assert strip.frames() is None


def test_a_stream_that_changes_its_size_keeps_that_of_its_first_frame():
    strip = Strip(limits=Limits())
    strip.add(shown(0.0))
    strip.add(shown(1.0, width=100, height=80))
    frames, _ = strip.frames()
    assert frames.shape == (2, 270, 480)


def test_the_strip_and_the_frames_of_a_segment_lie_on_one_axis_of_time(encode):
    media = decode(encode("mp4", audio="aac", video="libx264"), content_type=None)
    assert media.strip.shape[0] == len(media.strip_times_s)
    assert media.strip_times_s[0] == pytest.approx(media.frame_times_s[0], abs=0.2)
    assert set(media.frame_times_s.round(3)) <= set(media.strip_times_s.round(3))


@pytest.mark.parametrize(("colour", "channel"), [((230, 20, 20), 0), ((20, 230, 20), 1), ((20, 20, 230), 2)])
def test_colours_of_frames_are_in_the_order_red_green_blue(colour, channel):
    picture = np.tile(np.array(colour, np.uint8), (120, 160, 1))
    media = decode(encode_mp4([(n / 25, picture) for n in range(25)], None), content_type=None)
    assert media.frames.mean(axis=(0, 1, 2)).argmax() == channel
    np.testing.assert_allclose(media.frames.mean(axis=(0, 1, 2)), colour, atol=12)
