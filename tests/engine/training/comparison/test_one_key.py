"""On one token a modality a softmax has nothing to choose: its queries and keys learn nothing."""

from dataclasses import replace

import pytest
import torch

from engine.training.comparison.contenders import build, numbers
from engine.training.comparison.synthetic import both_needed
from engine.training.comparison.task import Tokens

IDLE = {
    "avafn": {"query", "key"},
    "avt-ca": {"query", "key"},
    "attsf": {"query", "key"},
    "ca": {"correlate"},
    "tca": {"query", "key"},
    "jca": set(),
    "rjca": {"lstm"},
}
"""What has no gradient; JCA's correlation is no softmax, and RJCA's LSTMs have no clip before the first."""


@pytest.mark.parametrize("model", IDLE)
def test_what_attends_over_one_key_is_idle(model):
    task = both_needed(utterances=32)
    audio, video = (Tokens(side.values[:, :1].double(), side.mask[:, :1]) for side in (task.audio, task.video))
    task = replace(task, audio=audio, video=video)
    torch.manual_seed(0)
    module = build(model, numbers(model, task), task).double().eval()
    torch.autograd.backward(module.fuse(audio.values, audio.mask, video.values, video.mask).logits.square().sum())
    idle = {
        name.split(".")[-2]
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() < 1e-13
    }
    assert idle == IDLE[model]
