"""Face crops as a network sees them, and its tokens back in their places."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)
_SPREAD_FLOOR = 0.02
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def framed(pictures: Tensor, *, side: int, crop: int) -> Tensor:
    """The middle `crop` x `crop` pixels of pictures `[N, C, S, S]` that are brought to `side` pixels a side."""
    if pictures.shape[-1] != side and len(pictures):
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    first = (side - crop) // 2
    return pictures[..., first : first + crop, first : first + crop]


def normalised(pictures: Tensor, *, grey: bool) -> Tensor:
    """Pictures `[N, 3, S, S]` in [0, 1] as numbers around 0.

    grey: the luma three times, of mean 0 and spread 1 in each picture, so that brightness and contrast make no
    difference; for networks that learned from grey pictures. Else ImageNet's mean and spread a colour.
    """
    if not grey:
        mean, spread = (pictures.new_tensor(numbers)[:, None, None] for numbers in (_MEAN, _SPREAD))
        return (pictures - mean) / spread
    luma = torch.einsum("nchw,c->nhw", pictures, pictures.new_tensor(_LUMA))
    return standardised(luma)


def standardised(luma: Tensor) -> Tensor:
    """Grey pictures `[N, S, S]` of any range as `[N, 3, S, S]`, each of mean 0 and spread 1."""
    centred = luma - luma.mean(dim=(1, 2), keepdim=True)
    spread = centred.square().mean(dim=(1, 2), keepdim=True).sqrt()
    return (centred / spread.clamp(min=_SPREAD_FLOOR))[:, None].expand(-1, 3, -1, -1)


def averaged(see: Callable[[Tensor], Tensor], pictures: Tensor, *, mirrored: bool) -> Tensor:
    """What `see` makes of pictures `[N, C, S, S]`, or its mean over them and their mirror images."""
    return (see(pictures) + see(pictures.flip(-1))) / 2 if mirrored else see(pictures)


def placed(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens `[N, cells, D]` of the N real frames in their places `[B, F * cells, D]`, 0 elsewhere, and their mask.

    mask: of the frames, `[B, F]`.
    """
    _, cells, width = tokens.shape
    every = tokens.new_zeros(*mask.shape, cells, width)
    every[mask] = tokens
    return every.flatten(1, 2), mask.repeat_interleave(cells, dim=1)
