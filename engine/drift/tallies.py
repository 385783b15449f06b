"""A wave's tokens as the counts that its turns add one to."""

from collections.abc import Mapping

from torch import Tensor

from engine.drift.figures import named
from engine.drift.reference import Modality, Reference
from engine.layers.pooling import masked_mean


def tallies(reference: Reference, tokens: Mapping[Modality, tuple[Tensor, Tensor]]) -> list[tuple[str, ...]]:
    """The counts of each of the wave's turns; none for a modality that it lacks.

    tokens: of each modality `[N, T, D]`, and which are real, `[N, T]`.
    """
    told: list[list[str]] = [[] for _ in next(iter(tokens.values()))[0]]
    for modality, bins in reference.features.items():
        features, mask = tokens[modality]
        there = mask.any(1)
        pooled = masked_mean(features[there], mask[there]).double().cpu().numpy()
        for row, places in zip(there.nonzero()[:, 0].tolist(), bins.place(pooled).tolist(), strict=True):
            told[row].extend(named(modality, places))
    return [tuple(names) for names in told]
