from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import mouth_motion, speaking_face
from engine.faces.track import MtcnnLocator
from engine.media.decode import decode_span
from engine.signals import FACE_SIZE, SAMPLE_RATE_HZ, FaceTrack, Span

GRID = sorted((Path(__file__).parents[4] / "shared" / "data" / "faces").glob("grid_*.mpg"))
VOICE = np.zeros(3 * SAMPLE_RATE_HZ, dtype=np.float32)


def track(*, mouth=0, head=0, side=100.0, times=15):
    """A grey face whose mouth and whose whole picture change their brightness from frame to frame."""
    crops = np.full((times, FACE_SIZE, FACE_SIZE, 3), 100, dtype=np.uint8)
    crops[1::2] += np.uint8(head)
    crops[1::2, 44:60, 20:44] += np.uint8(mouth)
    boxes = np.tile(np.array([0, 0, side, side], dtype=np.float32), (times, 1))
    return FaceTrack(crops=crops, times_s=np.linspace(0, 3, times), boxes=boxes)


def test_nobody_and_somebody_alone():
    quiet = track()
    assert speaking_face((), VOICE, Span(0, 1)) is None
    assert speaking_face((quiet,), VOICE, Span(0, 1)) is quiet
    assert speaking_face((quiet,), None, Span(0, 1)) is quiet


def test_the_mouth_that_moves_speaks_even_if_another_face_is_larger():
    talking, large = track(mouth=40), track(side=400.0)
    assert speaking_face((large, talking), VOICE, Span(0, 3)) is talking


def test_a_head_that_moves_does_not_speak():
    talking, nodding = track(mouth=30), track(head=60)
    assert speaking_face((nodding, talking), VOICE, Span(0, 3)) is talking


def test_where_no_mouth_tells_the_clearly_larger_face_is_taken_and_of_equals_none():
    one, other, large = track(), track(side=110.0), track(side=200.0)
    assert speaking_face((large, one), VOICE, Span(0, 3)) is large
    assert speaking_face((other, one), VOICE, Span(0, 3)) is None


def test_without_a_voice_size_decides():
    assert speaking_face((track(mouth=40), track(side=100.0)), None, Span(0, 3)) is None


def test_a_face_out_of_view_during_the_turn_does_not_speak():
    gone, there = track(mouth=40), track()
    gone = replace(gone, times_s=gone.times_s + 10)
    assert speaking_face((gone, there), VOICE, Span(0, 3)) is there
    assert speaking_face((gone,), VOICE, Span(0, 3)) is None


def test_one_crop_has_no_motion():
    assert mouth_motion(track(mouth=40, times=1).crops) == 0.0


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
@pytest.mark.parametrize("talker", range(8))
def test_of_two_real_people_side_by_side_the_one_who_talks(talker):
    """The other's mouth is stilled: his lower face is that of his first frame, his head moves on."""
    found = decode_span(GRID[talker])
    other = decode_span(GRID[(talker + 1) % 8])
    frames = np.concatenate([other.frames, found.frames], axis=2)
    tracks = MtcnnLocator(detector=load_mtcnn()).locate(frames, found.frame_times_s)
    silent, talking = sorted(tracks, key=lambda t: float(t.boxes[0, 0]))
    crops = silent.crops.copy()
    crops[:, FACE_SIZE // 2 :] = crops[:1, FACE_SIZE // 2 :]
    silent = replace(silent, crops=crops)
    assert speaking_face((silent, talking), found.audio, Span(0.0, 3.0)) is talking
