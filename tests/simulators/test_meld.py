from pathlib import Path

import pytest

from engine.errors import ConfigurationError
from engine.training.corpora.meld import BROKEN
from simulators.folder import open_corpus
from simulators.meld import read_meld

DATA = Path("../shared/data/meld")
HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def meld(folder: Path, split: str, *utterances: tuple[int, int, str, str], where: str) -> None:
    """A table of these utterances with a clip for each, as the archives unpack."""
    clips = folder / where
    clips.mkdir(parents=True, exist_ok=True)
    lines = []
    for dialogue, utterance, start, end in utterances:
        lines.append(f'1,"Oh,\x92 really",Joey,joy,positive,{dialogue},{utterance},8,21,"{start}","{end}"\n')
        (clips / f"dia{dialogue}_utt{utterance}.mp4").write_bytes(b"")
    (folder / f"{split}_sent_emo.csv").write_bytes((HEADER + "".join(lines)).encode("latin-1"))


def test_times_of_the_episode_become_times_of_the_dialogue(tmp_path):
    meld(
        tmp_path,
        "train",
        (3, 0, "00:16:16,059", "00:16:21,731"),
        (3, 1, "00:16:21,940", "00:16:23,442"),
        (3, 2, "00:19:00,000", "00:19:01,000"),
        where="train_splits",
    )
    (dialogue,) = read_meld(tmp_path).dialogues
    assert dialogue.dialogue_id == "train-dia3"
    assert [turn.speaker for turn in dialogue.utterances] == ["Joey"] * 3
    assert [turn.begin_s for turn in dialogue.utterances] == pytest.approx([0.0, 5.881, 17.383])


def test_known_broken_clips_are_named_and_skipped(tmp_path):
    time = ("00:00:01,000", "00:00:02,000")
    meld(tmp_path, "train", (125, 3, *time), (125, 4, *time), (309, 0, *time), (309, 1, *time), where="train_splits")
    meld(tmp_path, "dev", (110, 7, *time), (110, 8, *time), where="dev_splits_complete")
    meld(
        tmp_path,
        "test",
        (38, 4, *time),
        (38, 5, *time),
        (220, 0, *time),
        (220, 1, *time),
        where="output_repeated_splits_test",
    )
    corpus = read_meld(tmp_path)
    assert {skip.name for skip in corpus.skipped} == {f"{split} dia{d}_utt{u}" for split, d, u in BROKEN}
    assert {dialogue.dialogue_id for dialogue in corpus.dialogues} == {
        "train-dia125", "train-dia309", "dev-dia110", "test-dia38", "test-dia220",
    }  # fmt: skip
    assert all(len(dialogue.utterances) == 1 for dialogue in corpus.dialogues)


def test_any_other_missing_clip_is_named(tmp_path):
    meld(tmp_path, "dev", (0, 0, "00:00:01,000", "00:00:02,000"), (0, 1, "00:00:02,000", "00:00:03,000"), where="dev")
    (tmp_path / "dev" / "dia0_utt1.mp4").unlink()
    corpus = read_meld(tmp_path)
    assert [(skip.name, skip.reason) for skip in corpus.skipped] == [("dev dia0_utt1", "the clip is not there")]


def test_clips_beside_several_tables_belong_to_none(tmp_path):
    meld(tmp_path, "dev", (0, 0, "00:00:01,000", "00:00:02,000"), where=".")
    meld(tmp_path, "test", (0, 1, "00:00:01,000", "00:00:02,000"), where=".")
    with pytest.raises(ConfigurationError, match="could belong to any of dev, test"):
        read_meld(tmp_path)


def test_clips_without_a_table_are_dialogues_of_unknown_speakers():
    if not (DATA / "clips").is_dir():
        pytest.skip("needs ../shared/data/meld/clips")
    (dialogue,) = open_corpus(DATA / "clips").dialogues
    assert dialogue.dialogue_id == "dia110"
    assert [(turn.utterance_id, turn.speaker) for turn in dialogue.utterances] == [("utt0", None), ("utt1", None)]


def test_the_official_tables_are_read_whole(tmp_path):
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/meld")
    sizes = {"train": (9989, 1038), "dev": (1109, 114), "test": (2610, 280)}
    for split, (utterances, dialogues) in sizes.items():
        folder = tmp_path / split
        folder.mkdir()
        (folder / f"{split}_sent_emo.csv").symlink_to((DATA / f"{split}_sent_emo.csv").resolve())
        rows = (DATA / f"{split}_sent_emo.csv").read_text().splitlines()
        corpus = read_meld(folder)
        assert corpus.dialogues == ()
        assert len(corpus.skipped) == dialogues
        assert sum(int(skip.reason.split()[3]) for skip in corpus.skipped) == utterances == len(rows) - 1
