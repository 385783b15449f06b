from pathlib import Path

import pytest

from engine.errors import ConfigurationError
from simulators.manifest import read_manifest

HEADER = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,face,role\n"


def manifest(folder: Path, *lines: str, header: str = HEADER) -> Path:
    for name in ("a.wav", "b.wav", "face.png"):
        (folder / name).write_bytes(b"")
    path = folder / "manifest.csv"
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def test_rows_become_dialogues_in_order(tmp_path):
    path = manifest(
        tmp_path, "d2,u1,Ann,a.wav,,,joy,,", "d1,u1,,b.wav,,,,face.png,agent", "d2,u2,Bob,,,,Anger,face.png,"
    )
    corpus = read_manifest(path)
    assert [dialogue.dialogue_id for dialogue in corpus.dialogues] == ["d2", "d1"]
    ann, bob = corpus.dialogues[0].utterances
    assert (ann.speaker, ann.media, ann.emotion, ann.start_s, ann.begin_s) == (
        "Ann",
        tmp_path / "a.wav",
        "joy",
        None,
        None,
    )
    assert (bob.media, bob.face, bob.emotion) == (None, tmp_path / "face.png", "anger")
    (unknown,) = corpus.dialogues[1].utterances
    assert (unknown.speaker, unknown.emotion, unknown.role) == (None, None, "agent")


def test_times_of_one_recording_are_times_of_the_dialogue(tmp_path):
    path = manifest(tmp_path, "d,u1,Ann,a.wav,10,20,,,", "d,u2,Bob,a.wav,14,15.5,,,")
    (dialogue,) = read_manifest(path).dialogues
    assert [(turn.utterance_id, turn.begin_s) for turn in dialogue.utterances] == [("u2", 4.0), ("u1", 0.0)]


def test_times_of_unrelated_files_are_not(tmp_path):
    path = manifest(tmp_path, "d,u1,Ann,a.wav,10,20,,,", "d,u2,Ann,b.wav,3,4,,,")
    (dialogue,) = read_manifest(path).dialogues
    assert [turn.begin_s for turn in dialogue.utterances] == [None, None]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("d,u,Ann,missing.wav,,,joy,,", "line 2: media 'missing.wav' is no file"),
        ("d,u,Ann,a.wav,,,bored,,", "line 2: emotion 'bored' is none of neutral, joy"),
        ("d,u,Ann,a.wav,5,4,,,", "line 2: end_s 4.0 is not after start_s 5.0"),
        ("d,u,Ann,a.wav,x,,,,", "line 2: start_s 'x' is not a number"),
        ("d,u,Ann,a.wav,nan,,,,", "line 2: start_s nan is not between"),
        (",u,Ann,a.wav,,,,,", "line 2: dialogue_id is empty"),
        ("d,u,Ann,a.wav,,,,,\nd,u,Ann,b.wav,,,,,", "line 3: utterance 'u' of 'd' was named before"),
        ("d,u,Ann,a.wav,,,,,agent\nd,v,Ann,b.wav,,,,,customer", "speaker 'Ann' of dialogue 'd' has several roles"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, problem):
    with pytest.raises(ConfigurationError) as error:
        read_manifest(manifest(tmp_path, line))
    assert problem in str(error.value)


def test_a_missing_column_is_named(tmp_path):
    path = manifest(tmp_path, "d,u", header="dialogue_id,utterance_id\n")
    with pytest.raises(ConfigurationError, match="no column speaker, media, start_s, end_s, emotion"):
        read_manifest(path)


def test_an_empty_manifest_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="names no utterance"):
        read_manifest(manifest(tmp_path))


def test_western_text_is_read_too(tmp_path):
    path = manifest(tmp_path)
    path.write_bytes((HEADER + "d,u,Zoë,a.wav,,,,,\n").encode("cp1252"))
    (dialogue,) = read_manifest(path).dialogues
    assert dialogue.utterances[0].speaker == "Zoë"
