"""Every fusion model does what fusion is for: it says what neither modality could say alone."""

import numpy as np
import pytest
import torch

from engine.fusion.builders import NAMES
from engine.training.comparison.fit import Schedule, fit, predict
from engine.training.comparison.measure import measure
from engine.training.comparison.synthetic import both_needed
from engine.training.comparison.task import one_token
from engine.training.protocols import by_group

SMALL = {
    "attsf": {
        "length": 4,
        "cmb_layers": 2,
        "sab_layers": 1,
        "avam_layers": 1,
        "feed_forward_width": 64,
        "dropout": 0.0,
    },
    "avt-ca": {"feed_forward_width": 64, "dropout": 0.0},
    "rjca": {"hidden": 16, "lstm_layers": 1},
}


@pytest.fixture(scope="module")
def task():
    return both_needed(utterances=1800)


@pytest.mark.parametrize("name", NAMES)
def test_the_exclusive_or_of_both_modalities(task, name):
    family = name.split("+")[0].split("-")[0] if name.startswith("attsf") else name.split("+")[0]
    torch.set_num_threads(1)
    fold = task.folds[0]
    numbers = {"width": 32, **SMALL.get(family, {})}
    fitted = fit(name, numbers, task, fold, schedule=Schedule(epochs=10), seed=0)
    assert measure(task, fold.test, predict(fitted, task, fold.test)) > 0.95
    alone = (
        predict(fitted, task, fold.test, video=task.video.absent()),
        predict(fitted, task, fold.test, audio=task.audio.absent()),
    )
    for said in alone:
        assert abs(measure(task, fold.test, said) - 0.5) < 0.1


def test_nobody_is_trained_on_and_measured():
    groups = np.repeat([f"speaker {n}" for n in range(7)], 3)
    folds = by_group(groups, folds=3, seed=0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(21))
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])


def test_a_row_without_a_face_is_absent():
    tokens = one_token(np.array([[1.0, 2.0], [np.nan, 2.0]], dtype=np.float32))
    assert tokens.mask.tolist() == [[True], [False]]
    assert tokens.values.isfinite().all()
