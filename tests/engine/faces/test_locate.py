from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.faces.mtcnn import load_mtcnn
from engine.faces.track import MtcnnLocator
from engine.media.decode import decode_span
from engine.signals import FACE_SIZE, Media

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


def film(frames, *, step_s=0.2, audio=None):
    """Frames `[F, H, W, 3]` as a decoded segment."""
    times_s = np.arange(len(frames)) * step_s
    grey = frames.mean(axis=3).astype(np.uint8)
    return Media(
        duration_s=len(frames) * step_s,
        audio=audio,
        frames=frames,
        frame_times_s=times_s,
        strip=grey,
        strip_times_s=times_s,
    )


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
@pytest.mark.parametrize("path", GRID, ids=lambda path: path.stem)
def test_a_talking_head_is_one_track_in_every_frame(locator, path):
    found = decode_span(path)
    (track,) = locator.locate(found)
    assert track.crops.shape == (15, FACE_SIZE, FACE_SIZE, 3)
    np.testing.assert_array_equal(track.times_s, found.frame_times_s)
    assert track.boxes.shape == (15, 4)


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
def test_aligned_crops_show_the_eyes_where_the_template_has_them(locator, detector):
    """Found again in its own crop, a face lies where the template says."""
    for path in GRID:
        found = decode_span(path)
        (track,) = locator.locate(found)
        wide = np.pad(
            track.crops.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (60, 60), (60, 60), (0, 0)), mode="edge"
        )
        again = detector.detect(wide)
        eyes = (again.landmarks[:, :2] - 60) / 3 / FACE_SIZE
        assert np.median(eyes, axis=0) == pytest.approx(np.array([[0.31, 0.388], [0.69, 0.388]]), abs=0.05)


def test_a_picture_without_a_face_gives_no_track(locator):
    found = media("faces/no_face.mp4")
    assert list(locator.locate(found)) == []


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 2, 2, 3), (1, 12, 500, 3), (3, 500, 12, 3)])
def test_pictures_smaller_than_any_face(locator, shape):
    assert list(locator.locate(film(np.zeros(shape, dtype=np.uint8)))) == []


@pytest.mark.parametrize("picture", ["black", "white", "grey", "noise", "coarse noise", "stripes"])
@pytest.mark.parametrize("size", [(48, 64), (270, 480), (1080, 1920)])
def test_no_face_in_what_is_no_picture(locator, picture, size):
    shape = (3, *size, 3)
    generator = np.random.default_rng(0)
    frames = {
        "black": lambda: np.zeros(shape),
        "white": lambda: np.full(shape, 255),
        "grey": lambda: np.full(shape, 128),
        "noise": lambda: generator.integers(0, 256, shape),
        "coarse noise": lambda: (
            generator.integers(0, 256, (3, -(-size[0] // 9), -(-size[1] // 9), 3))
            .repeat(9, axis=1)
            .repeat(9, axis=2)[:, : size[0], : size[1]]
        ),
        "stripes": lambda: np.indices(shape)[1] % 16 * 16,
    }[picture]()
    assert list(locator.locate(film(frames.astype(np.uint8)))) == []


def test_without_a_picture_there_is_nobody(locator):
    assert list(locator.locate(Media(duration_s=1.0, audio=np.zeros(16000, np.float32)))) == []


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
def test_after_a_cut_to_somebody_in_the_same_place_it_is_another_track(locator):
    one, other = (decode_span(path) for path in GRID[:2])
    both = film(np.concatenate([one.frames[:8], other.frames[:8]]))
    tracks = sorted(locator.locate(both), key=lambda track: track.view.start_s)
    assert [len(track.times_s) for track in tracks] == [8, 8]
    assert tracks[0].view.end_s == pytest.approx(tracks[1].view.start_s)


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
@pytest.mark.parametrize("pictures", [False, True])
def test_a_picture_shown_for_a_while_is_still_unless_pictures_are_wanted(detector, pictures):
    found = decode_span(GRID[0])
    still = film(found.frames[:1].repeat(10, axis=0))
    (track,) = MtcnnLocator(detector=detector, still_pictures=pictures).locate(still)
    assert track.still is not pictures
    (track,) = MtcnnLocator(detector=detector).locate(found)
    assert not track.still


@pytest.mark.skipif(len(GRID) != 8, reason="needs ../shared/data/faces")
def test_mouths_are_followed_where_several_people_are_heard_and_nowhere_else(locator):
    one, other = (decode_span(path) for path in GRID[:2])
    assert len(locator.locate(one)[0].mouth) == 0
    pair = replace(
        one,
        frames=np.concatenate([one.frames, other.frames], axis=2),
        strip=np.concatenate([one.strip, other.strip], axis=2),
    )
    for track in locator.locate(pair):
        assert len(track.mouth) == len(track.mouth_times_s) >= 70
        assert np.isfinite(track.mouth).all()
    assert all(len(track.mouth) == 0 for track in locator.locate(replace(pair, audio=None)))


def test_everybody_in_a_group_is_found_the_largest_first(locator):
    found = media("faces/multi_face.jpg")
    tracks = locator.locate(found)
    assert len(tracks) == 5
    areas = [float((t.boxes[:, 2:] - t.boxes[:, :2]).prod(axis=1).sum()) for t in tracks]
    assert areas == sorted(areas, reverse=True)


def test_a_face_that_leaves_has_a_track_that_ends(locator):
    found = media("faces/face_noface.mov")
    (track,) = locator.locate(found)
    assert 3 <= len(track.times_s) <= 8
    assert track.times_s[-1] <= track.view.end_s < found.duration_s / 2


@pytest.mark.parametrize(("clip", "people"), [("dia110_utt0.mp4", 1), ("dia110_utt1.mp4", 2)])
def test_television_clips(locator, clip, people):
    found = media(f"meld/clips/{clip}")
    tracks = locator.locate(found)
    assert len(tracks) == people
    assert len(tracks[0].times_s) >= 13


def test_a_batch_gives_what_each_frame_gives_alone(detector):
    found = media("meld/clips/dia110_utt0.mp4")
    together = detector.detect(found.frames)
    for i in (0, 7, 14):
        alone = detector.detect(found.frames[i : i + 1])
        np.testing.assert_allclose(together.boxes[together.frame == i], alone.boxes, atol=0.05)
        np.testing.assert_allclose(together.landmarks[together.frame == i], alone.landmarks, atol=0.05)


def test_a_face_of_one_frame_among_many_is_an_error_of_the_detector(detector):
    found = media("faces/single_face.mp4")
    frames = np.zeros_like(found.frames)
    frames[4] = found.frames[4]
    lone = replace(found, frames=frames)
    assert len(MtcnnLocator(detector=detector).locate(lone)) == 0
    assert len(MtcnnLocator(detector=detector, frames_least=1).locate(lone)) == 1
