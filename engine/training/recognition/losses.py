"""The losses of a face encoder: cross-entropy, and DAN's affinity and partition losses."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.features.dan import DanOutput
from engine.features.efficientface import EfficientFaceOutput

_SPREAD_FLOOR = 1e-6


class Loss(nn.Module):
    """Cross-entropy with label smoothing; for DAN also the affinity and the partition loss.

    The class centres of the affinity loss are learned with the network and are no part of it.
    """

    def __init__(
        self, *, classes: int, features: int, label_smoothing: float, affinity: float, partition: float
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.affinity = affinity
        self.partition = partition
        self.centres = nn.Parameter(torch.randn(classes, features))

    def forward(self, output: DanOutput | EfficientFaceOutput, labels: Tensor) -> Tensor:
        """The loss of N pictures with labels `[N]`."""
        loss = F.cross_entropy(output.logits.float(), labels, label_smoothing=self.label_smoothing)
        if isinstance(output, DanOutput):
            loss = loss + self.affinity * affinity(output.features.float(), self.centres, labels)
            loss = loss + self.partition * partition(output.heads.float())
        return loss


def affinity(features: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """Mean squared distance of features `[N, D]` to their classes' centres `[K, D]`, over the centres' spread.

    DAN, the feature clustering network: dividing by the spread keeps the centres of the classes apart.
    """
    distances = (features - centres[labels]).square().sum(dim=1)
    return distances.mean() / centres.var(dim=0).sum().clamp(min=_SPREAD_FLOOR)


def partition(heads: Tensor) -> Tensor:
    """`log(1 + k / variance)` of what k heads `[N, k, D]` saw, the variance over heads: heads that differ lose less."""
    count = heads.shape[1]
    if count < 2:
        return heads.new_zeros(())
    return torch.log1p(count / heads.var(dim=1).mean().clamp(min=_SPREAD_FLOOR))
