import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training import protocols

SPEAKERS = np.array([f"s{row % 7}" for row in range(40)])


def test_every_speaker_is_held_out_whole_and_once():
    protocol = protocols.speakers(SPEAKERS, folds=3, seed=1)
    assert protocol.label == "speaker-independent, 3 folds"
    for fold in protocol.folds:
        assert not set(SPEAKERS[fold.train]) & set(SPEAKERS[fold.test])
        assert sorted([*fold.train, *fold.test]) == list(range(40))
    assert sorted(row for fold in protocol.folds for row in fold.test) == list(range(40))


def test_a_seed_draws_the_same_folds_and_another_seed_others():
    first, again, other = (
        [fold.test.tolist() for fold in protocols.speakers(SPEAKERS, folds=3, seed=seed).folds] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_more_folds_than_speakers_are_refused():
    with pytest.raises(ConfigurationError, match="8 folds of 7 groups: between 2 and 7"):
        protocols.speakers(SPEAKERS, folds=8, seed=0)


def test_official_parts_leave_the_dev_part_alone():
    part = np.array(["train", "dev", "test", "train", "test"])
    (fold,) = protocols.official(part).folds
    assert (fold.train.tolist(), fold.test.tolist()) == ([0, 3], [2, 4])
    protocol = protocols.official(part, test="dev")
    assert protocol.label == "official split, train to dev"
    assert protocol.folds[0].test.tolist() == [1]
    with pytest.raises(ConfigurationError, match="the corpus has dev, test, train"):
        protocols.official(part, test="valid")


def test_a_random_split_says_that_speakers_overlap():
    protocol = protocols.random(40, seed=0)
    (fold,) = protocol.folds
    assert protocol.label == "random split, speakers overlap (20% held out)"
    assert (len(fold.train), len(fold.test)) == (32, 8)
    assert sorted([*fold.train, *fold.test]) == list(range(40))
    assert set(SPEAKERS[fold.train]) & set(SPEAKERS[fold.test])
