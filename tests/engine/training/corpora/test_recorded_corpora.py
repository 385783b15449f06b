"""Corpora as their archives unpack: made-up folders in the layout of each."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadMedia, ConfigurationError
from engine.training.corpora import crema_d, iemocap, meld
from engine.training.corpora.base import Turn
from engine.training.corpora.recordings import voices
from schemas.labels import EMOTIONS
from tests.engine.training.corpora import archives

MELD = Path(__file__).parents[5] / "shared" / "data" / "meld"


def labels(recordings):
    return [EMOTIONS[recording.label] for recording in recordings]


@pytest.fixture
def crema(tmp_path):
    return archives.crema_d(tmp_path)


def test_crema_d_is_told_by_its_names(crema):
    recordings = crema_d.read(crema)
    assert labels(recordings) == ["anger", "joy", "neutral", "sadness"]
    assert [one.speaker for one in recordings] == ["1001", "1001", "1002", "1040"]
    assert [one.sex for one in recordings] == ["male", "male", "female", None]
    assert [one.name for one in crema_d.read(crema, actors=[1002])] == ["1002_IEO_NEU_XX.wav"]
    heard = list(voices(recordings))
    assert [(one.name, len(one.audio), one.sex) for one in heard] == [(one.name, 4800, one.sex) for one in recordings]


def test_crema_d_without_demographics_does_not_say_the_sex(crema):
    (crema / "VideoDemographics.csv").unlink()
    assert {one.sex for one in crema_d.read(crema)} == {None}


def test_a_foreign_name_in_crema_d_is_refused(crema):
    archives.sound(crema / "AudioWAV" / "1001_DFA_SUR_XX.wav")
    with pytest.raises(ConfigurationError, match=r"ACTOR_SENTENCE_EMOTION_LEVEL"):
        crema_d.read(crema)


def test_a_file_without_sound_is_named(crema):
    (crema / "AudioWAV" / "1001_DFA_ANG_XX.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BadMedia, match=r"1001_DFA_ANG_XX\.wav"):
        list(voices(crema_d.read(crema)))


@pytest.fixture
def sessions(tmp_path):
    return archives.iemocap(tmp_path)


def test_iemocap_in_order_of_time_with_its_ratings(sessions):
    dialogues = iemocap.read(sessions, sessions=[1, 2])
    assert list(dialogues) == ["Ses01F_impro01", "Ses02M_script01_1b"]
    first = dialogues["Ses01F_impro01"]
    assert labels(first) == ["neutral", "fear", "joy"]
    assert [one.speaker for one in first] == ["Ses01F", "Ses01M", "Ses01F"]
    assert [one.sex for one in first] == ["female", "male", "female"]
    assert [(one.valence, one.arousal) for one in first] == [(-0.25, -0.25), (-1.0, 0.5), (1.0, 1.0)]
    turn = Turn.heard(first[1])
    assert (turn.speaker, turn.voice, turn.face, turn.valence) == ("Ses01M", "Ses01F_impro01_M000.wav", None, -1.0)
    assert (turn.sex, turn.language) == ("male", "English")
    assert [one.arousal for one in voices(first)] == [-0.25, 0.5, 1.0]
    # The same recording gives the same turn, its sound read or not.
    assert [Turn.heard(one) for one in voices(first)] == [Turn.heard(one) for one in first]


def test_iemocap_four_classes_and_excitement_as_asked(sessions):
    four = iemocap.read(sessions, sessions=[1], classes="four")
    assert labels(four["Ses01F_impro01"]) == ["neutral", "joy"]
    strict = iemocap.read(sessions, sessions=[1], classes="four", excited="left out")
    assert labels(strict["Ses01F_impro01"]) == ["neutral"]


def test_an_iemocap_folder_that_is_none_is_refused(sessions):
    with pytest.raises(ConfigurationError, match="Session6"):
        iemocap.read(sessions, sessions=[6])
    (sessions / "Session2" / "dialog" / "EmoEvaluation" / "Ses02M_script01_1b.txt").write_text("nothing\n")
    with pytest.raises(ConfigurationError, match=r"no line of the form"):
        iemocap.read(sessions, sessions=[2])


def test_meld_dialogues_in_order_by_path(tmp_path):
    archives.meld(tmp_path, "train")
    dialogues = meld.read(tmp_path, "train")
    # One clip is known to be corrupt; the other dialogue's is not there.
    assert list(dialogues) == ["train-dia125"]
    assert labels(dialogues["train-dia125"]) == ["neutral", "joy"]
    assert [one.name for one in dialogues["train-dia125"]] == ["train/dia125_utt2.mp4", "train/dia125_utt4.mp4"]
    assert [len(one.audio) for one in voices(chain(*dialogues.values()))] == [4800, 4800]
    with pytest.raises(ConfigurationError, match=r"dev_sent_emo\.csv"):
        meld.read(tmp_path, "dev")


def test_melds_real_clips_last_a_little_longer_than_their_lines_say(tmp_path):
    if not (MELD / "clips").is_dir():
        pytest.skip(f"MELD's clips are not at {MELD}")
    (tmp_path / "train_sent_emo.csv").symlink_to(MELD / "train_sent_emo.csv")
    for clip in (MELD / "clips").iterdir():
        (tmp_path / clip.name).symlink_to(clip)
    dialogues = meld.read(tmp_path, "train")
    lines = {line.utterance: line for line in meld.lines(MELD / "train_sent_emo.csv")[110]}
    heard = list(voices(chain(*dialogues.values())))
    assert len(heard) == 2
    for utterance, voice in enumerate(heard):
        said_s = lines[utterance].end_s - lines[utterance].start_s
        assert 0.2 < len(voice.audio) / 16_000 - said_s < 0.6
        assert np.abs(voice.audio).max() > 0.01


def test_a_meld_folder_without_its_clips_says_so(tmp_path):
    (tmp_path / "dev_sent_emo.csv").write_text(archives.HEADER)
    with pytest.raises(ConfigurationError, match="none of the clips"):
        meld.read(tmp_path, "dev")
