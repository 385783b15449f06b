from pathlib import Path

import numpy as np
import pytest

from engine.faces.mtcnn import Detections, load_mtcnn
from engine.faces.track import MtcnnLocator, link
from engine.media.decode import decode_span
from engine.signals import FACE_SIZE

DATA = Path(__file__).parents[4] / "shared" / "data"
GRID = sorted((DATA / "faces").glob("grid_*.mpg"))


@pytest.fixture(scope="module")
def detector():
    return load_mtcnn()


@pytest.fixture(scope="module")
def locator(detector):
    return MtcnnLocator(detector=detector)


def media(name):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{name}")
    return decode_span(path)


def detections(*rows):
    """Rows of frame, x, y and side."""
    frame = np.array([row[0] for row in rows], dtype=np.int64)
    boxes = np.array([[x, y, x + side, y + side] for _, x, y, side in rows], dtype=np.float32)
    return Detections(frame, boxes, np.ones(len(rows), np.float32), np.zeros((len(rows), 5, 2), np.float32))


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
@pytest.mark.parametrize("path", GRID, ids=lambda path: path.stem)
def test_a_talking_head_is_one_track_in_every_frame(locator, path):
    found = decode_span(path)
    (track,) = locator.locate(found.frames, found.frame_times_s)
    assert track.crops.shape == (15, FACE_SIZE, FACE_SIZE, 3)
    np.testing.assert_array_equal(track.times_s, found.frame_times_s)
    assert track.boxes.shape == (15, 4)


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
def test_aligned_crops_show_the_eyes_where_the_template_has_them(locator, detector):
    """Found again in its own crop, a face lies where the template says."""
    for path in GRID:
        found = decode_span(path)
        (track,) = locator.locate(found.frames, found.frame_times_s)
        wide = np.pad(
            track.crops.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (60, 60), (60, 60), (0, 0)), mode="edge"
        )
        again = detector.detect(wide)
        eyes = (again.landmarks[:, :2] - 60) / 3 / FACE_SIZE
        assert np.median(eyes, axis=0) == pytest.approx(np.array([[0.31, 0.388], [0.69, 0.388]]), abs=0.05)


def test_a_picture_without_a_face_gives_no_track(locator):
    found = media("faces/no_face.mp4")
    assert list(locator.locate(found.frames, found.frame_times_s)) == []
    grey = np.full((4, 48, 64, 3), 128, dtype=np.uint8)
    assert list(locator.locate(grey, np.arange(4.0))) == []


@pytest.mark.parametrize("shape", [(1, 2, 2, 3), (1, 12, 500, 3), (3, 500, 12, 3)])
def test_pictures_smaller_than_any_face(locator, shape):
    assert list(locator.locate(np.zeros(shape, dtype=np.uint8), np.arange(float(shape[0])))) == []


def test_everybody_in_a_group_is_found_the_largest_first(locator):
    found = media("faces/multi_face.jpg")
    tracks = locator.locate(found.frames, found.frame_times_s)
    assert len(tracks) == 5
    areas = [float((t.boxes[:, 2:] - t.boxes[:, :2]).prod(axis=1).sum()) for t in tracks]
    assert areas == sorted(areas, reverse=True)


def test_a_face_that_leaves_has_a_track_that_ends(locator):
    found = media("faces/face_noface.mov")
    (track,) = locator.locate(found.frames, found.frame_times_s)
    assert 3 <= len(track.times_s) <= 8
    assert track.times_s[-1] < found.duration_s / 2


@pytest.mark.parametrize(("clip", "people"), [("dia110_utt0.mp4", 1), ("dia110_utt1.mp4", 2)])
def test_television_clips(locator, clip, people):
    found = media(f"meld/clips/{clip}")
    tracks = locator.locate(found.frames, found.frame_times_s)
    assert len(tracks) == people
    assert len(tracks[0].times_s) >= 13


def test_a_batch_gives_what_each_frame_gives_alone(detector):
    found = media("meld/clips/dia110_utt0.mp4")
    together = detector.detect(found.frames)
    for i in (0, 7, 14):
        alone = detector.detect(found.frames[i : i + 1])
        np.testing.assert_allclose(together.boxes[together.frame == i], alone.boxes, atol=0.05)
        np.testing.assert_allclose(together.landmarks[together.frame == i], alone.landmarks, atol=0.05)


def test_two_people_are_two_tracks_even_when_one_is_missed_for_a_while():
    found = detections(
        (0, 0, 0, 50), (0, 200, 0, 50), (1, 205, 5, 48), (2, 10, 0, 52), (2, 210, 5, 50), (3, 215, 0, 50)
    )
    assert [track.tolist() for track in link(found)] == [[0, 3], [1, 2, 4, 5]]


def test_after_a_long_absence_or_a_jump_it_is_somebody_else():
    assert len(link(detections((0, 0, 0, 50), (5, 0, 0, 50)))) == 2
    assert len(link(detections((0, 0, 0, 50), (1, 100, 0, 50)))) == 2
    assert len(link(detections((0, 0, 0, 50), (1, 0, 0, 120)))) == 2


def test_of_two_near_detections_the_nearer_goes_on():
    found = detections((0, 0, 0, 50), (1, 30, 0, 50), (1, 5, 0, 50))
    assert [track.tolist() for track in link(found)] == [[0, 2], [1]]


def test_a_face_of_one_frame_among_many_is_an_error_of_the_detector(detector):
    found = media("faces/single_face.mp4")
    frames = np.zeros_like(found.frames)
    frames[4] = found.frames[4]
    assert len(MtcnnLocator(detector=detector).locate(frames, found.frame_times_s)) == 0
    assert len(MtcnnLocator(detector=detector, frames_least=1).locate(frames, found.frame_times_s)) == 1
