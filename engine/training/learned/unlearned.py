"""Emotions that a training never met: the checkpoint that it makes must not say them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.decision import Decision
from engine.fusion.affect import WithAffect
from engine.fusion.builders import AnyFusion
from schemas.labels import EMOTIONS, Emotion


@torch.no_grad()
def silence(fusion: AnyFusion, decision: Decision, emotions: Sequence[Emotion]) -> None:
    """Give these emotions the probability 0 in whatever the parts say: the bias of their logits is minus infinity."""
    for bias in _biases(fusion, decision):
        bias[[EMOTIONS.index(emotion) for emotion in emotions]] = float("-inf")


@torch.no_grad()
def let_learn(fusion: AnyFusion, decision: Decision) -> None:
    """Give emotions that were silenced the least bias of the others, from which they can be learned."""
    for bias in _biases(fusion, decision):
        heard = bias.isfinite()
        bias[~heard] = bias[heard].min()


def _biases(fusion: AnyFusion, decision: Decision) -> list[Tensor]:
    head = fusion.get_parameter("fusion.head.bias" if isinstance(fusion, WithAffect) else "head.bias")
    return [head, *(module.get_parameter("classifier.bias") for module in decision.modules.values())]
