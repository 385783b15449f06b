"""One modality is drowned from utterance to utterance: what a gate wins by it, and which way it moves.

By eqs 2-5 the audio's gate reads the audio's attended clips alone, so it is the drowned modality whose own gate turns
away from its attended clips; the other's stays open. TCA and RJCA are left out: their feed-forward layers and LSTMs
can switch features by themselves, they reach the ceiling without a gate, and theirs moves now more, now less.
"""

import functools

import numpy as np
import pytest
import torch

from engine.training.comparison.fit import Schedule, fit, predict
from engine.training.comparison.measure import measure
from engine.training.comparison.robustness import gates
from engine.training.comparison.synthetic import noisy_modality

SEEDS = (0, 1)


@functools.cache
def _task():
    return noisy_modality(utterances=2400)


@functools.cache
def _trained(name: str, seed: int):
    torch.set_num_threads(1)
    task = _task()
    return fit(name, {"width": 32}, task, task.folds[0], schedule=Schedule(epochs=14, learning_rate=3e-3), seed=seed)


def _reached(name: str, seed: int) -> float:
    task = _task()
    return measure(task, task.folds[0].test, predict(_trained(name, seed), task, task.folds[0].test))


@pytest.mark.parametrize(("family", "gain"), [("ca", 0.2), ("jca", 0.0)])
def test_gated_beats_ungated(family, gain):
    plain, gated = (np.mean([_reached(name, seed) for seed in SEEDS]) for name in (family, f"{family}+dca"))
    assert gated > plain + gain


@pytest.mark.parametrize("family", ["ca", "jca"])
def test_the_gate_follows_the_noise(family):
    task = _task()
    found = gates(_trained(f"{family}+dca", 0), task, task.folds[0].test)
    for name, drowned, other in (
        ("audio_attended", "audio noise", "video noise"),
        ("video_attended", "video noise", "audio noise"),
    ):
        assert found[drowned][name] < found["clean"][name]
        assert found[drowned][name] < found[other][name]


def test_who_knows_which_side_to_believe_is_right():
    task = _task()
    rows = torch.from_numpy(task.folds[0].test)
    conditions = task.conditions[task.folds[0].test]
    audio, video = (tokens.values[rows].mean(dim=1)[:, :4] for tokens in (task.audio, task.video))
    believed = audio * torch.from_numpy(conditions != "audio noise")[:, None]
    believed += video * torch.from_numpy(conditions != "video noise")[:, None]
    assert measure(task, task.folds[0].test, believed) > 0.93
    assert measure(task, task.folds[0].test, audio + video) < 0.6
