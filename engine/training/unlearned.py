"""Emotions that a training never met: the checkpoint that it makes must not say them."""

from collections.abc import Sequence

import torch

from engine.decision import Decision
from engine.fusion.affect import WithAffect
from engine.fusion.builders import AnyFusion
from schemas.labels import EMOTIONS, Emotion


@torch.no_grad()
def silence(fusion: AnyFusion, decision: Decision, emotions: Sequence[Emotion]) -> None:
    """Give these emotions the probability 0 in whatever the parts say: the bias of their logits is minus infinity."""
    biases = [fusion.get_parameter("fusion.head.bias" if isinstance(fusion, WithAffect) else "head.bias")]
    biases += [module.get_parameter("classifier.bias") for module in decision.modules.values()]
    for bias in biases:
        bias[[EMOTIONS.index(emotion) for emotion in emotions]] = float("-inf")
