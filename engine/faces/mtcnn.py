"""MTCNN's cascade over a batch of frames: proposals on an image pyramid, refinement, output."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from engine.errors import CheckpointError
from engine.faces.boxes import Boxes, moved, squared, suppress
from engine.faces.networks import ONet, PNet, RNet
from engine.signals import Frames

WEIGHTS = Path(__file__).parents[1] / "weights" / "mtcnn" / "mtcnn.safetensors"
_WINDOW_PX, _STRIDE_PX = 12, 2
_Network = TypeVar("_Network", PNet, RNet, ONet)


@dataclass(frozen=True, slots=True)
class Detections:
    """The faces of a batch of frames."""

    frame: NDArray[np.int64]
    """`[N]` index of the frame."""
    boxes: Boxes
    """`[N, 4]`, may reach beyond the frame."""
    scores: NDArray[np.float32]
    """`[N]` log-odds of a face."""
    landmarks: NDArray[np.float32]
    """`[N, 5, 2]` x, y: left eye, right eye, nose, left and right corner of the mouth (left as one looks at it)."""


class Mtcnn:
    """The cascade. Deterministic, stateless between calls.

    Args:
        proposal, refinement, output: the three networks.
        smallest_share: the smallest face looked for, as a share of the frame's shorter side.
        smallest_px: and never smaller than this.
        pyramid_factor: from one level of the pyramid to the next.
        thresholds: the least probability of a face after each network.
    """

    def __init__(
        self,
        *,
        proposal: PNet,
        refinement: RNet,
        output: ONet,
        smallest_share: float = 0.08,
        smallest_px: float = 20.0,
        pyramid_factor: float = 0.709,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.9),
    ) -> None:
        self._proposal = proposal.eval()
        self._refinement = refinement.eval()
        self._output = output.eval()
        self._smallest_share = smallest_share
        self._smallest_px = smallest_px
        self._factor = pyramid_factor
        self._thresholds = tuple(math.log(least / (1 - least)) for least in thresholds)

    @torch.inference_mode()
    def detect(self, frames: Frames) -> Detections:
        """Faces of `frames` `[F, H, W, 3]` RGB."""
        halvings = halved((torch.tensor(frames).permute(0, 3, 1, 2).float() - 127.5) / 128.0)
        boxes, frame = self._propose(halvings)
        boxes, frame = self._refine(halvings, boxes, frame)
        if len(boxes) == 0:
            return Detections(frame, boxes, np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))
        faces = self._finish(halvings, boxes, frame)
        sure = np.flatnonzero(faces.scores > self._thresholds[2])
        kept = sure[suppress(faces.boxes[sure], faces.scores[sure], frame[sure], most=0.7, of_smaller=True)]
        return Detections(frame[kept], faces.boxes[kept], faces.scores[kept], faces.landmarks[kept])

    @torch.inference_mode()
    def refind(self, frames: NDArray[np.uint8], boxes: Boxes) -> Detections:
        """The one face of each grey frame `[F, H, W]`, looked for in its box `[F, 4]` alone: F faces, of any score."""
        grey = halved(((torch.tensor(frames).float() - 127.5) / 128.0)[:, None])
        return self._finish([level.expand(-1, 3, -1, -1) for level in grey], squared(boxes), np.arange(len(frames)))

    def _propose(self, halvings: Sequence[Tensor]) -> tuple[Boxes, NDArray[np.int64]]:
        levels = [self._propose_level(halvings, scale) for scale in self._scales(*halvings[0].shape[2:])]
        boxes, scores, frame = (np.concatenate(parts) for parts in zip(*levels, strict=True)) if levels else _nothing()
        kept = suppress(boxes, scores, frame, most=0.7)
        return squared(boxes[kept]), frame[kept]

    def _scales(self, height: int, width: int) -> Iterator[float]:
        short = min(height, width)
        scale = _WINDOW_PX / max(self._smallest_px, self._smallest_share * short)
        while short * scale >= _WINDOW_PX:
            yield scale
            scale *= self._factor

    def _propose_level(
        self, halvings: Sequence[Tensor], scale: float
    ) -> tuple[Boxes, NDArray[np.float32], NDArray[np.int64]]:
        height, width = halvings[0].shape[2:]
        size = [max(_WINDOW_PX, round(side * scale)) for side in (height, width)]
        nearest = halvings[min(int(-math.log2(scale)), len(halvings) - 1)] if scale < 1 else halvings[0]
        faces, offsets = self._proposal(functional.interpolate(nearest, size=size, mode="bilinear"))
        frame, y, x = torch.nonzero(faces > self._thresholds[0], as_tuple=True)
        corner = torch.stack([x, y], dim=1).float() * _STRIDE_PX
        stretch = torch.tensor([width / size[1], height / size[0]]).repeat(2)
        boxes = (torch.cat([corner, corner + _WINDOW_PX], dim=1) * stretch).numpy()
        scores, at = faces[frame, y, x].numpy(), frame.numpy()
        kept = suppress(boxes, scores, at, most=0.5)
        return moved(boxes, offsets[frame, :, y, x].numpy())[kept], scores[kept], at[kept]

    def _refine(
        self, halvings: Sequence[Tensor], boxes: Boxes, frame: NDArray[np.int64]
    ) -> tuple[Boxes, NDArray[np.int64]]:
        if len(boxes) == 0:
            return boxes, frame
        log_odds, shares = self._refinement(patches(halvings, boxes, frame, side=24))
        scores = log_odds.numpy()
        sure = scores > self._thresholds[1]
        boxes, frame, scores = moved(boxes, shares.numpy())[sure], frame[sure], scores[sure]
        kept = suppress(boxes, scores, frame, most=0.7)
        return squared(boxes[kept]), frame[kept]

    def _finish(self, halvings: Sequence[Tensor], boxes: Boxes, frame: NDArray[np.int64]) -> Detections:
        log_odds, shares, points = self._output(patches(halvings, boxes, frame, side=48))
        sides = boxes[:, 2:] - boxes[:, :2]
        landmarks = boxes[:, None, :2] + points.numpy() * sides[:, None]
        return Detections(frame, moved(boxes, shares.numpy()), log_odds.numpy(), landmarks)


def halved(images: Tensor) -> list[Tensor]:
    """The images `[F, C, H, W]`, and the same at a half, a quarter and an eighth."""
    levels = [images]
    while len(levels) < 4 and min(levels[-1].shape[2:]) >= 2 * _WINDOW_PX:
        levels.append(functional.avg_pool2d(levels[-1], 2))
    return levels


def patches(halvings: Sequence[Tensor], boxes: Boxes, frame: NDArray[np.int64], *, side: int) -> Tensor:
    """Boxes cut out and scaled to `[N, 3, side, side]`; grey beyond the edge.

    Each is cut from the smallest of the halvings in which it is not yet smaller than the patch.
    """
    cut = torch.zeros(len(boxes), 3, side, side).contiguous(memory_format=torch.channels_last)
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    level = np.clip(np.floor(np.log2(size[:, 0] / side)), 0, len(halvings) - 1).astype(np.int64)
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    points = (boxes[:, :2, None] + size[:, :, None] * steps) / 2.0 ** level[:, None, None]
    for f, n in np.unique(np.stack([frame, level], axis=1), axis=0).tolist():
        image = halvings[n][f : f + 1]
        chosen = np.flatnonzero((frame == f) & (level == n))
        x = torch.from_numpy(points[chosen, 0]).float() * (2 / image.shape[3]) - 1
        y = torch.from_numpy(points[chosen, 1]).float() * (2 / image.shape[2]) - 1
        grid = torch.stack([x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], dim=3)
        tall = functional.grid_sample(image, grid.reshape(1, -1, side, 2), align_corners=False)
        cut[chosen] = tall.reshape(3, len(chosen), side, side).transpose(0, 1)
    return cut


def load_mtcnn(path: Path = WEIGHTS) -> Mtcnn:
    """The cascade with the weights beside the engine. Raises `CheckpointError` where they are missing or others."""
    if not path.is_file():
        raise CheckpointError(f"no weights of MTCNN at {path}; the engine is installed without its data files")
    tensors = load_file(path)
    return Mtcnn(
        proposal=_filled(PNet(), "pnet.", tensors),
        refinement=_filled(RNet(), "rnet.", tensors),
        output=_filled(ONet(), "onet.", tensors),
    )


def _filled(network: _Network, prefix: str, tensors: Mapping[str, Tensor]) -> _Network:
    own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise CheckpointError(f"these are not the weights of MTCNN: {error}") from error
    return network


def _nothing() -> tuple[Boxes, NDArray[np.float32], NDArray[np.int64]]:
    return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
