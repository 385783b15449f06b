import math

import pytest
import torch

from engine.features.dan import DanOutput
from engine.features.efficientface import EfficientFaceOutput
from engine.training.recognition.losses import Loss, affinity, partition


def test_affinity_is_the_distance_to_the_own_centre_over_the_centres_spread():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(5, 4, generator=generator, dtype=torch.float64)
    centres = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    labels = [0, 2, 2, 1, 0]
    total = 0.0
    for row, label in enumerate(labels):
        total += sum((float(features[row, i]) - float(centres[label, i])) ** 2 for i in range(4))
    spread = 0.0
    for i in range(4):
        column = [float(centre[i]) for centre in centres]
        mean = sum(column) / 3
        spread += sum((value - mean) ** 2 for value in column) / 2
    assert float(affinity(features, centres, torch.tensor(labels))) == pytest.approx(total / 5 / spread)


def test_partition_is_less_for_heads_that_differ():
    heads = torch.tensor([[[0.0, 2.0], [4.0, 2.0]], [[1.0, 5.0], [1.0, 1.0]]], dtype=torch.float64)
    # Variances over the two heads: 8, 0 and 0, 8; their mean is 4.
    assert float(partition(heads)) == pytest.approx(math.log(1 + 2 / 4))
    assert float(partition(10 * heads)) < float(partition(heads))


def test_one_head_has_nothing_to_part_from():
    assert float(partition(torch.rand(3, 1, 4))) == 0


def test_only_dan_has_the_further_losses():
    torch.manual_seed(0)
    loss = Loss(classes=7, features=8, label_smoothing=0.0, affinity=0.5, partition=2.0)
    logits, features, heads = torch.randn(4, 7), torch.randn(4, 8), torch.randn(4, 3, 8)
    labels = torch.tensor([0, 1, 6, 1])
    entropy = -logits.log_softmax(dim=1)[range(4), labels].mean()
    torch.testing.assert_close(loss(EfficientFaceOutput(logits=logits, features=features), labels), entropy)
    expected = entropy + 0.5 * affinity(features, loss.centres, labels) + 2.0 * partition(heads)
    torch.testing.assert_close(loss(DanOutput(logits=logits, features=features, heads=heads), labels), expected)
