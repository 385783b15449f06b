"""Time stamps as they come in the wild."""

import pytest

from engine.ingest.timeline import picture_timeline, sound_timeline


def placed(timeline, stamps, *, lasts_s):
    return [round(timeline.place(stamp, lasts_s=lasts_s), 6) for stamp in stamps]


def test_sound_follows_without_gaps_where_stamps_are_inexact():
    stamps = [5.0, 5.021, 5.038, 5.064, 5.08]
    assert placed(sound_timeline(5.0), stamps, lasts_s=0.02) == [0.0, 0.02, 0.04, 0.06, 0.08]


def test_lost_sound_is_a_gap():
    assert placed(sound_timeline(0.0), [0.0, 0.02, 3.0, 3.02], lasts_s=0.02) == [0.0, 0.02, 3.0, 3.02]


def test_sound_that_begins_later_begins_later():
    assert placed(sound_timeline(2.0), [2.1, 2.12], lasts_s=0.02) == [0.1, 0.12]


@pytest.mark.parametrize("anew", [0.0, 95_443.7])
def test_a_clock_that_is_set_anew_does_not_stop_time(anew):
    stamps = [100.0, 100.02, anew, anew + 0.02, anew + 0.04]
    assert placed(sound_timeline(100.0), stamps, lasts_s=0.02) == [0.0, 0.02, 0.04, 0.06, 0.08]


def test_a_gap_after_the_clock_was_set_anew_is_still_a_gap():
    assert placed(sound_timeline(100.0), [100.0, 0.0, 5.0], lasts_s=0.02) == [0.0, 0.02, 5.02]


def test_a_piece_without_a_stamp_follows():
    assert placed(sound_timeline(0.0), [0.0, None, None, 0.06], lasts_s=0.02) == [0.0, 0.02, 0.04, 0.06]


def test_pictures_keep_their_uneven_times():
    stamps = [1.0, 1.033, 1.2, 1.21, 4.0]
    assert placed(picture_timeline(1.0), stamps, lasts_s=0.0) == [0.0, 0.033, 0.2, 0.21, 3.0]


def test_a_picture_that_is_a_little_early_never_goes_back():
    assert placed(picture_timeline(0.0), [0.0, 0.5, 0.45, 0.6], lasts_s=0.0) == [0.0, 0.5, 0.5, 0.6]
