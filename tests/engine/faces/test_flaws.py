import numpy as np
import pytest

from engine.faces.align import TEMPLATE
from engine.faces.flaws import flaw_of, sharpness
from engine.signals import FACE_SIZE

CROP = np.random.default_rng(0).integers(0, 255, (FACE_SIZE, FACE_SIZE, 3), dtype=np.uint8)


def landmarks(*, narrow=1.0, nose_aside=0.0, scale=1.0, degrees=0.0):
    points = (TEMPLATE - FACE_SIZE / 2) * [narrow, 1.0] * scale
    points[2, 0] += nose_aside * scale * FACE_SIZE
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T + 200).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 25, -40, 90])
def test_a_frontal_face_has_no_flaw_however_the_head_is_tilted(degrees):
    assert flaw_of(CROP, landmarks(degrees=degrees)) is None


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize("shape", [{"narrow": 0.5}, {"nose_aside": 0.15}, {"nose_aside": -0.15}])
def test_a_profile_is_turned_away(shape, degrees):
    assert flaw_of(CROP, landmarks(**shape, degrees=degrees)) == "the face is turned away"


def test_a_small_one_is_too_small():
    assert flaw_of(CROP, landmarks(scale=0.3)) == "the face is too small"


def test_an_even_one_is_blurred():
    y, x = np.mgrid[0:FACE_SIZE, 0:FACE_SIZE]
    soft = (100 + 50 * np.sin(x / 10) + y)[:, :, None].repeat(3, axis=2).astype(np.uint8)
    assert sharpness(soft) < sharpness(CROP)
    assert flaw_of(soft, landmarks()) == "the face is blurred"


def test_five_points_in_one_are_no_face():
    assert flaw_of(CROP, np.zeros((5, 2), np.float32)) == "the face is turned away"
