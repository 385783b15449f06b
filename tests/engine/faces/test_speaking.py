from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import readable, speaking_face
from engine.faces.synchrony import banded, loudness, synchrony
from engine.faces.track import MtcnnLocator
from engine.media.decode import decode_span
from engine.signals import FACE_SIZE, SAMPLE_RATE_HZ, FaceTrack, Media, Span

GRID = sorted((Path(__file__).parents[4] / "shared" / "data" / "faces").glob("grid_*.mpg"))
TIMES_S = np.arange(0, 4, 0.04)


def syllables(seed):
    """How open a mouth is through four seconds: bumps at irregular times, four a second."""
    at_s = np.random.default_rng(seed).uniform(0, 4, 16)
    return np.exp(-np.square((TIMES_S[:, None] - at_s) / 0.06)).sum(axis=1)


def voice(opening, *, early_s=0.0):
    times_s = np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(1).normal(0, 0.1, len(times_s))
    return (noise * (0.02 + np.interp(times_s + early_s, TIMES_S, opening))).astype(np.float32)


def track(opening, *, grey_levels=20.0, start_s=0.0, end_s=4.0, still=False, flaws=None, times=9):
    inside = (start_s <= TIMES_S) & (end_s >= TIMES_S)
    return FaceTrack(
        crops=np.arange(times, dtype=np.uint8)[:, None, None, None] * np.ones((1, FACE_SIZE, FACE_SIZE, 3), np.uint8),
        times_s=np.linspace(start_s, end_s, times),
        boxes=np.tile(np.array([0, 0, 90, 90], dtype=np.float32), (times, 1)),
        flaws=flaws or (None,) * times,
        view=Span(start_s, end_s),
        still=still,
        mouth=(grey_levels * opening[inside]).astype(np.float32),
        mouth_times_s=TIMES_S[inside],
    )


ONE, OTHER = syllables(0), syllables(7)
WHOLE = Span(0.0, 4.0)


def same(found, wanted):
    return not isinstance(found, str) and found.mouth is wanted.mouth


def test_nobody_and_somebody_alone():
    quiet = track(ONE * 0)
    assert speaking_face((), voice(ONE), WHOLE) == "no face found"
    assert same(speaking_face((quiet,), voice(ONE), WHOLE), quiet)
    assert same(speaking_face((quiet,), None, WHOLE), quiet)


@pytest.mark.parametrize("early_s", [-0.1, 0.0, 0.1])
def test_the_mouth_that_goes_with_the_voice_speaks_even_if_the_other_moves_more(early_s):
    talking, chewing = track(ONE, grey_levels=5), track(OTHER, grey_levels=60)
    assert same(speaking_face((chewing, talking), voice(ONE, early_s=early_s), WHOLE), talking)
    assert same(speaking_face((chewing, talking), voice(OTHER, early_s=early_s), WHOLE), chewing)


def test_a_shut_mouth_does_not_speak_however_its_trembling_correlates():
    assert synchrony(track(ONE, grey_levels=0.5), voice(ONE), WHOLE) == 0.0


def test_where_no_mouth_goes_with_the_voice_or_two_do_nobody_is_taken():
    told = "several faces, and no mouth goes clearly with the voice"
    assert speaking_face((track(OTHER), track(ONE * 0)), voice(ONE), WHOLE) == told
    assert speaking_face((track(ONE), track(ONE)), voice(ONE), WHOLE) == told


def test_a_glimpse_or_a_slow_strip_is_no_evidence():
    told = "several faces, seen too briefly or too seldom to tell which of them speaks"
    pair = (track(ONE), track(OTHER))
    assert speaking_face(pair, voice(ONE), Span(1.0, 1.8)) == told
    slow = tuple(replace(one, mouth=one.mouth[::5], mouth_times_s=one.mouth_times_s[::5]) for one in pair)
    assert speaking_face(slow, voice(ONE), WHOLE) == told


def test_without_a_voice_several_faces_are_nobodys():
    assert speaking_face((track(ONE), track(OTHER)), None, WHOLE) == (
        "several faces, and no voice to tell which of them speaks"
    )


def test_a_face_out_of_view_during_the_turn_does_not_speak():
    gone, there = track(ONE, start_s=2.0), track(ONE * 0, end_s=1.5)
    assert same(speaking_face((gone, there), voice(ONE), Span(0.0, 1.0)), there)
    assert speaking_face((gone,), voice(ONE), Span(0.0, 1.0)) == "face out of view while speaking"


def test_a_still_picture_speaks_only_where_nothing_is_heard():
    photo = track(ONE * 0, still=True)
    assert speaking_face((photo,), voice(ONE), WHOLE) == "a still picture of a face"
    assert same(speaking_face((photo,), None, WHOLE), photo)


def test_beside_a_picture_of_a_face_a_face_still_has_to_go_with_the_voice():
    """The picture may stand for the one who speaks with the camera off."""
    photo, listener = track(ONE * 0, still=True), track(OTHER)
    assert isinstance(speaking_face((photo, listener), voice(ONE), WHOLE), str)
    talking = track(ONE)
    assert same(speaking_face((photo, talking), voice(ONE), WHOLE), talking)


def test_crops_with_a_flaw_are_left_out():
    flaws = ("the face is blurred", None) * 4 + ("the face is turned away",)
    read = readable(track(ONE, flaws=flaws), WHOLE)
    assert read.crops[:, 0, 0, 0].tolist() == [1, 3, 5, 7]
    assert len(read.times_s) == len(read.boxes) == len(read.flaws) == 4


def test_where_all_have_one_the_commonest_is_the_reason():
    flaws = ("the face is blurred",) * 3 + ("the face is turned away",) * 6
    assert readable(track(ONE, flaws=flaws), WHOLE) == "the face is turned away"
    assert readable(track(ONE, flaws=flaws), Span(0.0, 0.2)) == "the face is blurred"


def test_a_short_turn_between_two_frames_gets_the_nearest_crop():
    assert readable(track(ONE, times=3), Span(0.7, 0.8)).crops[:, 0, 0, 0].tolist() == [0]


def test_a_band_lets_its_frequencies_pass_and_no_others():
    times_s = np.arange(0, 4, 0.04)
    inside, outside = np.sin(2 * np.pi * 4 * times_s), 3 * np.sin(2 * np.pi * 0.5 * times_s) + 5 * times_s
    np.testing.assert_allclose(banded(inside + outside, 25.0, (1.5, 8.0))[10:-10], inside[10:-10], atol=0.3)
    assert np.abs(banded(outside, 25.0, (1.5, 8.0))[10:-10]).max() < 0.3


def test_loudness_has_times_of_the_segment_and_stays_inside_it():
    level_db, at_s = loudness(voice(ONE), Span(1.0, 2.0))
    assert (at_s[0], len(at_s)) == (1.0, 100)
    level_db, at_s = loudness(np.zeros(100, np.float32), Span(-1.0, 9.0))
    assert np.isfinite(level_db).all()
    assert at_s[0] == 0.0


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
def test_of_real_people_who_talk_side_by_side_no_wrong_one_is_taken():
    """Each pair is heard with the one's voice and with the other's."""
    locator = MtcnnLocator(detector=load_mtcnn())
    clips = [decode_span(path) for path in GRID[:3]]
    taken = 0
    for left, right in permutations(clips, 2):
        media = Media(
            duration_s=left.duration_s,
            audio=left.audio,
            frames=np.concatenate([left.frames, right.frames], axis=2),
            frame_times_s=left.frame_times_s,
            strip=np.concatenate([left.strip, right.strip], axis=2),
            strip_times_s=left.strip_times_s,
        )
        talker, _ = tracks = tuple(sorted(locator.locate(media), key=lambda t: float(t.boxes[0, 0])))
        found = speaking_face(tracks, media.audio, Span(0.0, media.duration_s))
        assert isinstance(found, str) or same(found, talker)
        taken += same(found, talker)
    assert taken >= 2
