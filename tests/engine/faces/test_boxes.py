import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.faces.boxes import moved, overlap, squared, suppress


def box(*values):
    return np.array(values, dtype=np.float32)


def test_overlap():
    others = np.stack([box(0, 0, 10, 10), box(5, 0, 15, 10), box(20, 20, 30, 30), box(2, 2, 4, 4)])
    assert overlap(others[0], others) == pytest.approx([1, 50 / 150, 0, 0.04])
    assert overlap(others[0], others, of_smaller=True) == pytest.approx([1, 0.5, 0, 1])


def test_the_best_of_an_overlapping_group_stays_and_frames_do_not_mix():
    boxes = np.stack([box(0, 0, 10, 10), box(1, 0, 11, 10), box(40, 0, 50, 10), box(0, 0, 10, 10)])
    scores = box(0.8, 0.9, 0.7, 0.6)
    assert suppress(boxes, scores, np.array([0, 0, 0, 1]), most=0.5).tolist() == [1, 2, 3]


def test_what_a_suppressed_box_overlaps_stays():
    boxes = np.stack([box(0, 0, 10, 10), box(4, 0, 14, 10), box(8, 0, 18, 10)])
    assert suppress(boxes, box(0.9, 0.8, 0.7), np.zeros(3, dtype=np.int64), most=0.4).tolist() == [0, 2]


@given(arrays(np.float32, st.tuples(st.integers(0, 20), st.just(3)), elements=st.floats(0, 100, width=32)))
def test_no_two_kept_boxes_overlap_and_every_dropped_one_has_a_better(values):
    corners = values[:, :2]
    boxes = np.concatenate([corners, corners + 20], axis=1)
    kept = suppress(boxes, values[:, 2], np.zeros(len(values), dtype=np.int64), most=0.5)
    for i in kept:
        assert (overlap(boxes[i], boxes[kept]) > 0.5).sum() == 1
    for i in set(range(len(boxes))) - set(kept.tolist()):
        over = kept[overlap(boxes[i], boxes[kept]) > 0.5]
        assert (values[over, 2] >= values[i, 2]).any()


def test_regression_and_squares():
    boxes = box(10, 20, 30, 60)[None]
    assert moved(boxes, box(0.1, -0.1, 0.5, 0.25)[None]).tolist() == [[12, 16, 40, 70]]
    assert squared(boxes).tolist() == [[0, 20, 40, 60]]
