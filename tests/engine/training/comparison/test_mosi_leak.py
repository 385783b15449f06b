"""Columns that give the labels away are found on the training part of a fold, and are not read in that fold."""

import numpy as np
import torch

from engine.training.comparison.task import Task, one_token
from engine.training.protocols import Fold
from tests.benchmarks.fusion.mosi import told_alone, within


def test_a_column_is_told_by_its_ranks_in_either_direction():
    labels = np.array([0, 0, 1, 1])
    values = np.array([[0, 9, 5, 0], [1, 8, 5, 1], [2, 7, 5, 0], [3, 6, 5, 1]], np.float32)
    assert told_alone(values, labels).tolist() == [1.0, 1.0, 0.5, 0.5]


def test_only_the_training_part_says_what_is_taken_out():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    train, test = np.arange(40), np.arange(40, 80)
    values = rng.normal(size=(80, 3)).astype(np.float32)
    values[train, 0] = labels[train]
    values[test, 1] = labels[test]
    task = Task(
        name="made up",
        audio=one_token(values),
        video=one_token(values),
        target=torch.from_numpy(labels),
        groups=np.arange(80).astype(str),
        folds=(Fold(train, test),),
        metric="weighted_f1",
        outputs=2,
    )
    left = within(task, task.folds[0], 0.9)
    assert left.audio.values.shape[-1] == 2
    assert np.array_equal(left.video.values[:, 0], values[:, 1:])
