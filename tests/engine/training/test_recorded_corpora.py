"""Corpora as their archives unpack: made-up folders in the layout of each."""

import wave
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadMedia, ConfigurationError
from engine.training.corpora import crema_d, iemocap, meld
from engine.training.corpora.recordings import voices
from schemas.labels import EMOTIONS

MELD = Path(__file__).parents[4] / "shared" / "data" / "meld"
HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def sound(path, samples=800):
    """A short tone at 16 kHz, whatever the file is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(0.1 * np.arange(samples))).astype(np.int16).tobytes())


def labels(recordings):
    return [EMOTIONS[recording.label] for recording in recordings]


@pytest.fixture
def crema(tmp_path):
    names = ("1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1002_IEO_NEU_XX", "1040_ITH_SAD_X", "1076_MTI_SAD_XX")
    for name in names:
        sound(tmp_path / "AudioWAV" / f"{name}.wav")
    (tmp_path / "VideoDemographics.csv").write_text(
        "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,,\n1002,21,Female,,\n"
    )
    return tmp_path


def test_crema_d_is_told_by_its_names(crema):
    recordings = crema_d.read(crema)
    assert labels(recordings) == ["anger", "joy", "neutral", "sadness"]
    assert [one.speaker for one in recordings] == ["1001", "1001", "1002", "1040"]
    assert [one.sex for one in recordings] == ["male", "male", "female", None]
    assert [one.name for one in crema_d.read(crema, actors=[1002])] == ["1002_IEO_NEU_XX.wav"]
    heard = list(voices(recordings))
    assert [(one.name, len(one.audio), one.sex) for one in heard] == [(one.name, 800, one.sex) for one in recordings]


def test_crema_d_without_demographics_does_not_say_the_sex(crema):
    (crema / "VideoDemographics.csv").unlink()
    assert {one.sex for one in crema_d.read(crema)} == {None}


def test_a_foreign_name_in_crema_d_is_refused(crema):
    sound(crema / "AudioWAV" / "1001_DFA_SUR_XX.wav")
    with pytest.raises(ConfigurationError, match=r"ACTOR_SENTENCE_EMOTION_LEVEL"):
        crema_d.read(crema)


def test_a_file_without_sound_is_named(crema):
    (crema / "AudioWAV" / "1001_DFA_ANG_XX.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BadMedia, match=r"1001_DFA_ANG_XX\.wav"):
        list(voices(crema_d.read(crema)))


def emocap(folder, session, dialogue, *turns):
    place = folder / f"Session{session}"
    lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    for start, end, name, emotion, ratings in turns:
        lines += [f"[{start} - {end}]\t{dialogue}_{name}\t{emotion}\t{ratings}", "C-E2:\tNeutral;\t()", ""]
        sound(place / "sentences" / "wav" / dialogue / f"{dialogue}_{name}.wav")
    table = place / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n")
    # The archive holds what another system keeps beside every file.
    table.with_name(f"._{dialogue}.txt").write_bytes(b"\x00\x05\x16\x07")


@pytest.fixture
def sessions(tmp_path):
    emocap(
        tmp_path, 1, "Ses01F_impro01",
        ("6.2901", "8.2357", "F000", "neu", "[2.5000, 2.5000, 2.5000]"),
        ("20.3000", "22.0000", "M001", "fru", "[2.0000, 3.0000, 3.0000]"),
        ("18.0000", "20.5000", "F001", "exc", "[5.0000, 5.5000, 4.0000]"),
        ("10.0100", "11.3925", "M000", "fea", "[1.0000, 4.0000, 2.0000]"),
        ("25.0000", "26.0000", "F002", "xxx", "[3.0000, 3.0000, 3.0000]"),
    )  # fmt: skip
    emocap(tmp_path, 2, "Ses02M_script01_1b", ("1.0", "2.0", "M000", "ang", "[1.5000, 4.5000, 4.0000]"))
    return tmp_path


def test_iemocap_in_order_of_time_with_its_ratings(sessions):
    dialogues = iemocap.read(sessions, sessions=[1, 2])
    assert list(dialogues) == ["Ses01F_impro01", "Ses02M_script01_1b"]
    first = dialogues["Ses01F_impro01"]
    assert labels(first) == ["neutral", "fear", "joy"]
    assert [one.speaker for one in first] == ["Ses01F", "Ses01M", "Ses01F"]
    assert [one.sex for one in first] == ["female", "male", "female"]
    assert [(one.valence, one.arousal) for one in first] == [(-0.25, -0.25), (-1.0, 0.5), (1.0, 1.0)]
    turn = first[1].turn()
    assert (turn.speaker, turn.voice, turn.face, turn.valence) == ("Ses01M", "Ses01F_impro01_M000.wav", None, -1.0)
    assert [one.arousal for one in voices(first)] == [-0.25, 0.5, 1.0]


def test_iemocap_four_classes_and_excitement_as_asked(sessions):
    four = iemocap.read(sessions, sessions=[1], classes="four")
    assert labels(four["Ses01F_impro01"]) == ["neutral", "joy"]
    strict = iemocap.read(sessions, sessions=[1], classes="four", excited="left out")
    assert labels(strict["Ses01F_impro01"]) == ["neutral"]


def test_an_iemocap_folder_that_is_none_is_refused(sessions):
    with pytest.raises(ConfigurationError, match="Session3"):
        iemocap.read(sessions)
    (sessions / "Session2" / "dialog" / "EmoEvaluation" / "Ses02M_script01_1b.txt").write_text("nothing\n")
    with pytest.raises(ConfigurationError, match=r"no line of the form"):
        iemocap.read(sessions, sessions=[2])


def test_meld_dialogues_in_order_by_path(tmp_path):
    time = '"00:00:01,000","00:00:02,500"'
    rows = [(125, 4, "Joey", "joy"), (125, 2, "Rachel", "Neutral"), (125, 3, "Joey", "anger"), (7, 0, "Ross", "fear")]
    table = "".join(f'1,"Oh, really",{who},{how},x,{d},{u},8,21,{time}\n' for d, u, who, how in rows)
    (tmp_path / "train_sent_emo.csv").write_text(HEADER + table)
    for dialogue, utterance, *_ in rows[:3]:
        sound(tmp_path / "train_splits" / f"dia{dialogue}_utt{utterance}.mp4")
    dialogues = meld.read(tmp_path, "train")
    # One clip is known to be corrupt; the other dialogue's is not there.
    assert list(dialogues) == ["train-dia125"]
    assert labels(dialogues["train-dia125"]) == ["neutral", "joy"]
    assert [one.name for one in dialogues["train-dia125"]] == ["train/dia125_utt2.mp4", "train/dia125_utt4.mp4"]
    assert [len(one.audio) for one in voices(chain(*dialogues.values()))] == [800, 800]
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
    (tmp_path / "dev_sent_emo.csv").write_text(HEADER)
    with pytest.raises(ConfigurationError, match="none of the clips"):
        meld.read(tmp_path, "dev")
