from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training.corpora import mosi, quechua, ravdess_units

DATA = Path(__file__).parents[5] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared corpora are not at {DATA}")


@needs_data
def test_mosi_names_the_video_of_every_segment():
    segments = mosi.read(DATA / "mosi_train.npz")
    assert segments.audio.shape == (1447, 73)
    assert segments.video.shape == segments.text.shape == (1447, 100)
    assert len(set(segments.videos)) == 62
    assert set(segments.positive) == {0, 1}
    assert all(np.isfinite(side).all() for side in (segments.audio, segments.video, segments.text))


@needs_data
def test_quechua_is_rated_between_minus_one_and_one():
    train, valid = quechua.read(DATA / "quechua_dimensional.npz")
    assert train.features.shape == (7452, 46)
    assert valid.ratings.shape == (2484, 3)
    for part in (train, valid):
        assert part.ratings.min() == -1
        assert part.ratings.max() == 1


@needs_data
def test_ravdess_units_tell_emotion_and_actor_by_the_name():
    played = ravdess_units.read(DATA / "ravdess_av_features.npz")
    assert played.units.shape == (1200, 35)
    assert played.audio.shape == (1200, 259)
    assert Counter(played.labels.tolist()) == {0: 80} | dict.fromkeys(range(1, 8), 160)
    assert Counter(played.actors.tolist()) == {f"{actor:02d}": 60 for actor in range(1, 21)}


@pytest.mark.parametrize("reader", [mosi, quechua, ravdess_units])
def test_a_corpus_that_is_not_there_is_named(reader, tmp_path):
    with pytest.raises(ConfigurationError, match=r"is not at .*--data"):
        reader.read(tmp_path / "nothing.npz")


def test_names_are_read_as_their_corpora_write_them(tmp_path):
    one, three = np.zeros((1, 1), np.float32), np.array([[1.0, 3.0, 5.0]], np.float32)
    np.savez(tmp_path / "r.npz", name=np.array(["01-01-08-01-01-01-17"]), action_units=one, audio=one)
    played = ravdess_units.read(tmp_path / "r.npz")
    assert (played.labels[0], played.actors[0]) == (7, "17")
    np.savez(tmp_path / "m.npz", segment=np.array(["a_b_12"]), audio=one, video=one, text=one, positive=np.uint8([1]))
    assert mosi.read(tmp_path / "m.npz").videos.tolist() == ["a_b"]
    np.savez(tmp_path / "q.npz", x_train=one, y_train=three, x_valid=one, y_valid=three)
    assert quechua.read(tmp_path / "q.npz")[1].ratings.tolist() == [[-1.0, 0.0, 1.0]]
