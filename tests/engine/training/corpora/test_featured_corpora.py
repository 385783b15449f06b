from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training.corpora import meld_embeddings, meld_six
from schemas.labels import EMOTIONS

DATA = Path(__file__).parents[5] / "shared" / "data"


@pytest.fixture
def shuffled(tmp_path):
    """Four rows of two dialogues, in no order, one without a face."""
    rows = {
        "dialogue": np.array([7, 2, 7, 2], np.int32),
        "utterance": np.array([5, 3, 1, 0], np.int32),
        "speaker": np.array(["Ross", "Rachel", "Joey", "Ross"]),
        "emotion": np.array(["joy", "fear", "anger", "disgust"]),
        "audio": np.arange(4 * 148, dtype=np.float32).reshape(4, 148),
        "face": np.where(np.arange(4)[:, None] == 2, np.nan, np.ones((4, 60))).astype(np.float32),
    }
    path = tmp_path / "features.npz"
    np.savez(path, **{f"{split}_{name}": values for split in ("train", "dev") for name, values in rows.items()}, **rows)
    return path


def test_turns_come_dialogue_after_dialogue_in_their_order(shuffled):
    turns = meld_six.read(shuffled, "dev")
    assert turns.dialogues.tolist() == [2, 2, 7, 7]
    assert turns.utterances.tolist() == [0, 3, 1, 5]
    assert turns.speakers.tolist() == ["Ross", "Rachel", "Joey", "Ross"]
    assert [EMOTIONS[label] for label in turns.labels] == ["disgust", "fear", "anger", "joy"]
    assert turns.audio[:, 0].tolist() == [444, 148, 296, 0]
    assert turns.audio[:, 13] == pytest.approx(np.log([457, 161, 309, 13]))
    assert turns.audio[:, 141].tolist() == [585, 289, 437, 141]
    assert np.isnan(turns.face).all(axis=1).tolist() == [False, False, True, False]


def test_embeddings_have_no_face(shuffled):
    turns = meld_embeddings.read(shuffled)
    assert turns.utterances.tolist() == [0, 3, 1, 5]
    assert np.isnan(turns.face).all()


def test_a_corpus_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="six speakers"):
        meld_six.read(tmp_path / "none.npz", "train")


@pytest.mark.skipif(not (DATA / "meld_six_speakers_av.npz").is_file(), reason="needs MELD's features in shared/data")
def test_the_real_features_of_six_speakers():
    train, dev = (meld_six.read(DATA / "meld_six_speakers_av.npz", split) for split in ("train", "dev"))
    assert (train.audio.shape, train.face.shape, len(dev.labels)) == ((3452, 148), (3452, 60), 428)
    assert {EMOTIONS[label] for label in train.labels} == {"joy", "anger", "sadness", "disgust", "fear"}
    assert len(set(train.speakers)) == 6
    assert np.isnan(train.face).any(axis=1).sum() == np.isnan(train.face).all(axis=1).sum() == 303
    assert np.isfinite(train.audio).all()


@pytest.mark.skipif(not (DATA / "meld_dev_embeddings.npz").is_file(), reason="needs MELD's embeddings in shared/data")
def test_the_real_embeddings():
    turns = meld_embeddings.read(DATA / "meld_dev_embeddings.npz")
    assert turns.audio.shape == (919, 768)
    assert len(set(turns.dialogues)) == 91
    assert set(turns.labels) == set(range(7))
