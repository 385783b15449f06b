import numpy as np
import pytest

from engine.faces.align import TEMPLATE, crop, similarity
from engine.signals import FACE_SIZE


def turned(points, *, degrees, scale, shift):
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (30, 2.5), (-75, 0.4), (180, 7.0)])
def test_a_similarity_is_recovered(degrees, scale):
    moved = turned(TEMPLATE, degrees=degrees, scale=scale, shift=[12.0, -5.0])
    found = similarity(TEMPLATE, moved)
    np.testing.assert_allclose(TEMPLATE @ found[:, :2].T + found[:, 2], moved, atol=1e-9)


def test_it_is_the_best_in_least_squares():
    generator = np.random.default_rng(0)
    source, target = generator.normal(size=(5, 2)), generator.normal(size=(5, 2))
    best = similarity(source, target)

    def error(matrix):
        return np.square(source @ matrix[:, :2].T + matrix[:, 2] - target).sum()

    for nudge in generator.normal(scale=1e-3, size=(50, 4)):
        turn = best[:, :2] + np.array([[nudge[0], -nudge[1]], [nudge[1], nudge[0]]])
        assert error(np.column_stack([turn, best[:, 2] + nudge[2:]])) >= error(best)


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (20, 1.7), (-35, 4.3), (10, 0.6)])
def test_marks_at_the_landmarks_lie_at_the_template_in_the_crop(degrees, scale):
    landmarks = turned(TEMPLATE - FACE_SIZE / 2, degrees=degrees, scale=scale, shift=[300.0, 200.0])
    y, x = np.mgrid[0:400, 0:600] + 0.5
    frame = np.zeros((400, 600, 3), dtype=np.uint8)
    for px, py in landmarks:
        frame[(x - px) ** 2 + (y - py) ** 2 < (3 * scale) ** 2] = 255
    face = crop(frame, landmarks.astype(np.float32)).astype(float).mean(axis=2)
    ys, xs = np.mgrid[0:FACE_SIZE, 0:FACE_SIZE] + 0.5
    for px, py in TEMPLATE:
        near = (xs - px) ** 2 + (ys - py) ** 2 < 25
        weight = face[near]
        assert weight.sum() > 0
        assert (xs[near] * weight).sum() / weight.sum() == pytest.approx(px, abs=0.6)
        assert (ys[near] * weight).sum() / weight.sum() == pytest.approx(py, abs=0.6)


@pytest.mark.parametrize("shift", [[0.0, 0.0], [598.0, 398.0], [-50.0, 900.0]])
def test_a_face_at_or_beyond_the_edge_repeats_the_edge(shift):
    frame = np.full((400, 600, 3), 90, dtype=np.uint8)
    face = crop(frame, (TEMPLATE + shift).astype(np.float32))
    assert face.shape == (FACE_SIZE, FACE_SIZE, 3)
    assert (face == 90).all()
