import csv

import av
import numpy as np
import pytest

from engine.errors import ConfigurationError
from engine.training.corpora import ravdess
from simulators.manifest import read_manifest
from simulators.scripted import write
from tests.engine.training.conftest import make_corpora


def test_the_test_dialogues_become_files_a_replay_can_play(tmp_path):
    data = make_corpora(tmp_path).folder
    folder = tmp_path / "files"
    folder.mkdir()
    corpus = read_manifest(write(data, folder))
    with (data / "scripted" / "scripted_test.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    turns = [turn for dialogue in corpus.dialogues for turn in dialogue.utterances]
    assert [(turn.speaker, turn.emotion) for turn in turns] == [(row["speaker"], row["emotion"]) for row in rows]
    assert [turn.media.name for turn in turns] == [f"{row['ravdess_file']}.wav" for row in rows]
    assert corpus.has_stills
    heard = {voice.name: voice.audio for voice in ravdess.read(data / "ravdess_speech_16k.tar", actors=[18])}
    with av.open(str(turns[0].media)) as sound:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in sound.decode(audio=0)])
    np.testing.assert_array_equal(samples, (heard[rows[0]["ravdess_file"]] * 32768).round())
    with av.open(str(turns[0].face)) as picture:
        assert next(picture.decode(video=0)).to_ndarray(format="rgb24").shape == (256, 256, 3)


def test_a_corpus_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="the scripted corpus is not at"):
        write(tmp_path, tmp_path)
