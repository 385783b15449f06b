import pytest

from engine.errors import ConfigurationError
from simulators.folder import open_corpus


def test_sub_folders_are_dialogues_and_names_count_naturally(tmp_path):
    for name in ("one/10.wav", "one/2.wav", "two/a.mp4", "two/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    corpus = open_corpus(tmp_path)
    assert [
        (dialogue.dialogue_id, [turn.utterance_id for turn in dialogue.utterances]) for dialogue in corpus.dialogues
    ] == [("one", ["2.wav", "10.wav"]), ("two", ["a.mp4"])]


def test_loose_files_are_one_dialogue(tmp_path):
    (tmp_path / "b.flac").write_bytes(b"")
    (tmp_path / "a.flac").write_bytes(b"")
    (dialogue,) = open_corpus(tmp_path).dialogues
    assert dialogue.dialogue_id == tmp_path.name
    assert [turn.utterance_id for turn in dialogue.utterances] == ["a.flac", "b.flac"]


def test_one_file_is_a_dialogue(tmp_path):
    (tmp_path / "call.ogg").write_bytes(b"")
    (dialogue,) = open_corpus(tmp_path / "call.ogg").dialogues
    assert (dialogue.dialogue_id, len(dialogue.utterances)) == ("call", 1)


@pytest.mark.parametrize(
    ("name", "problem"), [("x.pdf", "neither a manifest"), ("none", "does not exist"), ("", "holds no media")]
)
def test_anything_else_is_refused(tmp_path, name, problem):
    if name.endswith("pdf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigurationError, match=problem):
        open_corpus(tmp_path / name)
