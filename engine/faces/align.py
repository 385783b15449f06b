"""Alignment: every face turned, scaled and moved so that its five landmarks lie where the face encoder expects them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.signals import FACE_SIZE, Frames

TEMPLATE: NDArray[np.float64] = FACE_SIZE * np.array(
    [[0.31, 0.388], [0.69, 0.388], [0.50, 0.60], [0.343, 0.783], [0.657, 0.783]]
)
"""`[5, 2]` x, y in a crop: eyes, nose, corners of the mouth.

The framing of FER2013, on which face encoders are trained: the medians of the landmarks MTCNN finds in 1172 of its
training images, made symmetric.
"""


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn, scale and shift `[2, 3]` that best take points `[N, 2]` to others (Umeyama 1991, no reflection).

    In the plane such a map is multiplication by a complex number and a shift, so least squares has a closed form.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    z = (source - source_mean) @ np.array([1, 1j])
    w = (target - target_mean) @ np.array([1, 1j])
    factor = np.vdot(z, w) / np.vdot(z, z).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, target_mean - turn @ source_mean])


def crop(frame: Frames, landmarks: NDArray[np.float32]) -> Frames:
    """One aligned face `[FACE_SIZE, FACE_SIZE, 3]` of a frame `[H, W, 3]`, from its landmarks `[5, 2]`.

    What lies beyond the edge of the frame repeats the edge.
    """
    to_frame = similarity(TEMPLATE, landmarks.astype(np.float64))
    steps = np.arange(FACE_SIZE) + 0.5
    x, y = np.meshgrid(steps, steps)
    points = np.stack([x, y], axis=2) @ to_frame[:, :2].T + to_frame[:, 2]
    height, width = frame.shape[:2]
    x0, y0 = np.clip(np.floor(points.min(axis=(0, 1))) - 1, 0, [width - 2, height - 2]).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(axis=(0, 1))) + 1, [x0 + 2, y0 + 2], [width, height]).astype(int)
    region = torch.from_numpy(frame[y0:y1, x0:x1].astype(np.float32)).permute(2, 0, 1)[None]
    scale = float(np.linalg.norm(to_frame[:, 0]))
    step = max(1, min(round(scale), *region.shape[2:]))
    region = functional.avg_pool2d(region, step)
    size = np.array([region.shape[3], region.shape[2]])
    grid = torch.from_numpy(((points - [x0, y0]) / step * 2 / size - 1).astype(np.float32))
    face = functional.grid_sample(region, grid[None], padding_mode="border", align_corners=False)
    pixels: Frames = face[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
    return pixels
