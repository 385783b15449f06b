"""A few utterances of every kind, and models small enough to write out in loops."""

import numpy as np
import torch

from tests.engine.fusion import naive

AUDIO, VIDEO, D = 5, 7, 4
LENGTHS = [(5, 4), (3, 2), (4, 0), (0, 4), (1, 1), (2, 5)]
WIDTHS = {"audio_width": AUDIO, "video_width": VIDEO, "width": D}
ATTSF = {"length": 6, "heads": 2, "feed_forward_width": 6, "avam_feed_forward_width": 5, "cmb_layers": 2,
         "sab_layers": 2, "avam_layers": 1, "dropout": 0.0}  # fmt: skip


def randomised(module):
    made = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=made) * 0.5)
    return module.double().eval()


def utterances():
    made = np.random.default_rng(2)
    return [(made.standard_normal((a, AUDIO)), made.standard_normal((v, VIDEO))) for a, v in LENGTHS]


def batch():
    """All utterances as one padded batch: audio, its mask, video, its mask."""
    result = []
    for side, width in ((0, AUDIO), (1, VIDEO)):
        tokens = torch.full((len(LENGTHS), 5, width), 99.0, dtype=torch.float64)
        mask = torch.zeros(len(LENGTHS), 5, dtype=torch.bool)
        for row, utterance in enumerate(utterances()):
            tokens[row, : len(utterance[side])] = torch.from_numpy(utterance[side])
            mask[row, : len(utterance[side])] = True
        result += [tokens, mask]
    return tuple(result)


def fused(module, **options):
    """All utterances as one padded batch through the module."""
    with torch.no_grad():
        return module.fuse(*batch(), **options)


def entered(weights, name, tokens):
    return [naive.linear(weights, name, x) for x in tokens]


def added(*lists):
    return [sum(parts) for parts in zip(*lists, strict=True)]
