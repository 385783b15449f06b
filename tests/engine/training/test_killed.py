"""A training that is killed after an epoch goes on to the same bytes as one that is not."""

import signal
import subprocess
import sys

import pytest

from engine.training.fitting import fit
from engine.training.recipe import load
from engine.training.train import train

EPOCHS = 2
REVISION = """
[revision]
turns = 2
dropout = 0.1
epochs = 2
batch = 2
learning_rate = 1e-3
weight_decay = 1e-3
label_smoothing = 0.0
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from engine.training.fitting import fit
from engine.training.recipe import load
from engine.training.train import train

recipe, data, out, stage = sys.argv[1:]
plain = fit.keep

def keep(path, state):
    plain(path, state)
    if path.name.startswith(stage):
        os.kill(os.getpid(), signal.SIGKILL)

fit.keep = keep
train(load(Path(recipe)), Path(out), data=Path(data), progress=lambda *_: None)
"""
MADE = ("model.safetensors", "config.json", "epochs.csv", "metrics.csv")
STAGES = ("voice", "face", "dialogues", "revision")


class Interrupted(Exception):
    """What stands for a kill where the process has to live on."""


@pytest.fixture(scope="module")
def whole(shared_corpora, tmp_path_factory):
    """The recipe, and what it makes in one go."""
    text = shared_corpora.recipe.read_text().replace("epochs = 1", f"epochs = {EPOCHS}")
    recipe = tmp_path_factory.mktemp("recipe") / "revised.toml"
    recipe.write_text(text + REVISION)
    return recipe, train(load(recipe), tmp_path_factory.mktemp("whole"), data=shared_corpora.folder, progress=quiet)


def quiet(*_):
    """Nobody looks."""


def test_killed_once_in_every_stage(whole, shared_corpora, tmp_path):
    recipe, expected = whole
    for stage in STAGES:
        command = [sys.executable, "-c", KILLED, recipe, shared_corpora.folder, tmp_path, stage]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    train(load(recipe), tmp_path, data=shared_corpora.folder, progress=quiet)
    assert [(tmp_path / name).read_bytes() for name in MADE] == [(expected / name).read_bytes() for name in MADE]


def test_interrupted_after_every_epoch(whole, shared_corpora, tmp_path, monkeypatch):
    recipe, expected = whole
    plain, cuts = fit.keep, 0

    def keep(path, state):
        plain(path, state)
        raise Interrupted

    monkeypatch.setattr(fit, "keep", keep)
    while not (tmp_path / "model.safetensors").exists():
        try:
            train(load(recipe), tmp_path, data=shared_corpora.folder, progress=quiet)
        except Interrupted:
            cuts += 1
    assert cuts == EPOCHS * len(STAGES)
    assert [(tmp_path / name).read_bytes() for name in MADE] == [(expected / name).read_bytes() for name in MADE]
    assert not list((tmp_path / "stages").glob("*.state"))


def test_the_epochs_say_what_the_dev_part_says(whole):
    _, out = whole
    head, *rows = (out / "epochs.csv").read_text().splitlines()
    assert head.startswith("stage,epoch,loss,learning_rate,dev_weighted_f1")
    assert [row.split(",")[:2] for row in rows] == [[stage, str(n + 1)] for stage in STAGES for n in range(EPOCHS)]
    assert all(0 <= float(row.split(",")[4]) <= 1 for row in rows)
