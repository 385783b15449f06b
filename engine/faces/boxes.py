"""Boxes of a whole batch of frames: `[N, 4]` x0, y0, x1, y1 in pixels, `[N]` the frame each belongs to."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
_Floats = NDArray[np.float32] | NDArray[np.float64]


def overlap(box: _Floats, others: _Floats, *, of_smaller: bool = False) -> _Floats:
    """Intersection `[N]` of one box `[4]` with others `[N, 4]`, as a share of the union or of the smaller one."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    one, many = (box[2] - box[0]) * (box[3] - box[1]), (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    whole = np.minimum(one, many) if of_smaller else one + many - common
    shares: _Floats = common / np.maximum(whole, 1e-9)
    return shares


def suppress(
    boxes: Boxes, scores: NDArray[np.float32], frame: NDArray[np.int64], *, most: float, of_smaller: bool = False
) -> NDArray[np.int64]:
    """Greedy non-maximum suppression within each frame: indices of the boxes kept, best first."""
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    # Frames are laid side by side; in float32 the shift would change the last digits of an overlap.
    shifted = boxes + (float(boxes.max() - boxes.min()) + 1.0) * frame.astype(np.float64)[:, None]
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[overlap(shifted[best], shifted[rest], of_smaller=of_smaller) <= most]
    return np.array(kept, dtype=np.int64)


def moved(boxes: Boxes, shares: NDArray[np.float32]) -> Boxes:
    """Boxes after regression by shares `[N, 4]` of their width and height."""
    sides = boxes[:, 2:] - boxes[:, :2]
    regressed: Boxes = boxes + shares * np.concatenate([sides, sides], axis=1)
    return regressed


def squared(boxes: Boxes) -> Boxes:
    """Boxes made square around their centres, by their longer side."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - half, centres + half], axis=1)
