import numpy as np
import pytest

from engine.faces.cuts import cut_times
from engine.faces.mtcnn import Detections
from engine.faces.stillness import is_still
from engine.faces.track import link, look
from engine.signals import FACE_SIZE

GENERATOR = np.random.default_rng(0)
FACE, ANOTHER = (GENERATOR.integers(0, 255, (FACE_SIZE, FACE_SIZE, 3), dtype=np.uint8) for _ in range(2))


def detections(*rows):
    """Rows of frame, x, y and side."""
    frame = np.array([row[0] for row in rows], dtype=np.int64)
    boxes = np.array([[x, y, x + side, y + side] for _, x, y, side in rows], dtype=np.float32)
    return Detections(frame, boxes, np.ones(len(rows), np.float32), np.zeros((len(rows), 5, 2), np.float32))


def linked(*rows, crops=None, shots=(0,) * 9):
    found = detections(*rows)
    tracks = link(found, crops or [FACE] * len(rows), shots=np.array(shots))
    return [track.tolist() for track in tracks]


def test_two_people_are_two_tracks_even_when_one_is_missed_for_a_while():
    rows = (0, 0, 0, 50), (0, 200, 0, 50), (1, 205, 5, 48), (2, 10, 0, 52), (2, 210, 5, 50), (3, 215, 0, 50)
    assert linked(*rows) == [[0, 3], [1, 2, 4, 5]]


def test_after_a_long_absence_or_a_jump_it_is_somebody_else():
    assert len(linked((0, 0, 0, 50), (5, 0, 0, 50))) == 2
    assert len(linked((0, 0, 0, 50), (1, 100, 0, 50))) == 2
    assert len(linked((0, 0, 0, 50), (1, 0, 0, 120))) == 2


def test_after_a_gap_a_face_that_looks_otherwise_is_somebody_else():
    rows = (0, 0, 0, 50), (2, 0, 0, 50)
    assert look(FACE) @ look(ANOTHER) < 0.5 < look(FACE) @ look(FACE)
    assert linked(*rows, crops=[FACE, FACE]) == [[0, 1]]
    assert linked(*rows, crops=[FACE, ANOTHER]) == [[0], [1]]


def test_no_track_goes_on_over_a_cut():
    rows = (0, 0, 0, 50), (1, 0, 0, 50), (2, 0, 0, 50), (3, 0, 0, 50)
    assert linked(*rows, shots=(0, 0, 1, 1)) == [[0, 1], [2, 3]]


def test_of_two_near_detections_the_nearer_goes_on():
    assert linked((0, 0, 0, 50), (1, 30, 0, 50), (1, 5, 0, 50)) == [[0, 2], [1]]


def test_two_people_who_pass_each_other_keep_their_tracks():
    rows = [(f, x, 0, 50) for f in range(6) for x in (30 * f, 230 - 30 * f)]
    assert linked(*rows, crops=[FACE, ANOTHER] * 6) == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]


def test_a_blank_crop_looks_like_nobody():
    assert look(np.full_like(FACE, 7)) @ look(FACE) == 0.0


def scene(seed, frames, *, drift=0):
    """A picture of blocks that drifts to the side."""
    blocks = np.random.default_rng(seed).integers(0, 255, (9, 32)).repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([np.roll(blocks, f * drift, axis=1)[:, :128] for f in range(frames)]).astype(np.uint8)


def test_a_cut_is_found_between_its_frames():
    strip = np.concatenate([scene(0, 20), scene(1, 12), scene(0, 20)])
    times_s = np.arange(len(strip)) / 25
    assert cut_times(strip, times_s) == pytest.approx([19.5 / 25, 31.5 / 25])


@pytest.mark.parametrize("drift", [0, 1, 4, 8])
def test_a_camera_that_swings_does_not_cut(drift):
    strip = scene(0, 40, drift=drift)
    assert len(cut_times(strip, np.arange(40) / 25)) == 0


@pytest.mark.parametrize("frames", [0, 1, 2])
@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2)])
def test_strips_of_any_size(frames, size):
    assert len(cut_times(np.zeros((frames, *size), np.uint8), np.arange(frames) / 25.0)) == 0


def test_a_picture_is_still_and_a_face_in_front_of_a_still_wall_is_not():
    wall = np.full((10, 60, 80, 3), 90, dtype=np.uint8)
    boxes = np.tile(np.array([20, 10, 60, 50], np.float32), (10, 1))
    times_s = np.arange(10) * 0.2
    assert is_still(wall, times_s, boxes)
    moving = wall.copy()
    moving[5:, 35:45, 30:50] += 40
    assert not is_still(moving, times_s, boxes)


@pytest.mark.parametrize(("frames", "step_s"), [(1, 1.0), (2, 1.0), (10, 0.01)])
def test_a_glimpse_is_too_short_to_be_called_still(frames, step_s):
    same = np.zeros((frames, 20, 20, 3), np.uint8)
    boxes = np.tile(np.array([0, 0, 20, 20], np.float32), (frames, 1))
    assert not is_still(same, np.arange(frames) * step_s, boxes)


def test_a_box_beside_the_picture_holds_nothing_that_is_still():
    boxes = np.tile(np.array([-40, -40, -10, -10], np.float32), (5, 1))
    assert not is_still(np.zeros((5, 20, 20, 3), np.uint8), np.arange(5.0), boxes)
