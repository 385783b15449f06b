"""Scenes put together from real clips: people side by side, heard with one of their voices, or one cut to the other."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.media.base import Limits
from engine.signals import Media, Waveform


def side_by_side(left: Media, right: Media, *, voice: Waveform | None) -> Media:
    """Two people in one picture, as long as the shorter clip; the smaller picture gets a grey border below.

    Frames and strip of both have to be of one size. The strip is as small as the decoder would have made it.
    """
    return replace(
        left,
        duration_s=min(left.duration_s, right.duration_s),
        audio=voice,
        frames=_beside(left.frames, _at(right.frames, right.frame_times_s, left.frame_times_s)),
        strip=_shrunk(_beside(left.strip, _at(right.strip, right.strip_times_s, left.strip_times_s))),
    )


def cut_to(first: Media, second: Media, *, frames: int) -> Media:
    """`frames` frames of one clip, and at once as many of the other, 0.2 s apart."""
    shown = np.concatenate([first.frames[:frames], second.frames[:frames]])
    strips = [one.strip[: frames * 5] for one in (first, second)]
    return Media(
        duration_s=0.4 * frames,
        frames=shown,
        frame_times_s=np.arange(2 * frames) * 0.2,
        strip=np.concatenate(strips),
        strip_times_s=np.arange(10 * frames) * 0.04,
    )


def _at(frames: NDArray[np.uint8], times_s: NDArray[np.float64], wanted_s: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The frame that is shown at each of the wanted times; a clip that ends before goes on with its last."""
    return frames[np.clip(np.searchsorted(times_s, wanted_s, side="right") - 1, 0, len(frames) - 1)]


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(left.shape[1], right.shape[1])
    both = [
        np.pad(one, ((0, 0), (0, height - one.shape[1]), *((0, 0),) * (one.ndim - 2)), constant_values=128)
        for one in (left, right)
    ]
    return np.concatenate(both, axis=2)


def _shrunk(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = strip.shape[1:]
    scale = min(1.0, Limits().strip_side_most_px / max(height, width))
    size = [round(height * scale), round(width * scale)]
    small = functional.interpolate(torch.from_numpy(strip)[:, None].float(), size=size, mode="area")
    shrunk: NDArray[np.uint8] = small[:, 0].round().byte().numpy()
    return shrunk
