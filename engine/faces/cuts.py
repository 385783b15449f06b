"""Where the camera cuts: a change of the whole picture that no movement explains."""

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 9, 16
_LEAST_CHANGE = 6.0
"""Grey levels of the mean block. From one person to another in front of the same wall it was 9."""
_TIMES_USUAL = 5.0
"""The quickest head in view of a close camera made four times the usual change."""
_NEIGHBOURS = 12


def cut_times(strip: NDArray[np.uint8], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """When a new shot begins `[C]`, in seconds, from the film strip `[M, h, w]` and its times `[M]`.

    The brightness of blocks is compared from frame to frame. A cut is a change that is large, and large beside the
    changes around it: in a slow strip, or with a camera that swings, all of them are large.
    """
    if len(strip) < 2:
        return np.zeros(0)
    small = _blocks(strip)
    change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2))
    usual = np.array([_around(change, i) for i in range(len(change))])
    cut = np.flatnonzero((change > _LEAST_CHANGE) & (change > _TIMES_USUAL * usual))
    times: NDArray[np.float64] = (times_s[cut] + times_s[cut + 1]) / 2
    return times


def _blocks(strip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean brightness of 9 x 16 blocks, fewer where a frame is smaller."""
    height, width = strip.shape[1:]
    rows, columns = min(_ROWS, height), min(_COLUMNS, width)
    cropped = strip[:, : height // rows * rows, : width // columns * columns]
    blocks: NDArray[np.float32] = cropped.reshape(len(strip), rows, height // rows, columns, width // columns).mean(
        axis=(2, 4), dtype=np.float32
    )
    return blocks


def _around(change: NDArray[np.float32], at: int) -> float:
    around = np.delete(change[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1], min(at, _NEIGHBOURS))
    return float(np.median(around)) if len(around) else 0.0
