"""`turntone enroll`, with the two people of a telephone call where the shared data is there."""

import json
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from actors.cli import main
from engine.enrolment import check_name
from engine.errors import EnrolmentRefused

CALLS = Path(__file__).parents[3] / "shared" / "data" / "diarization"
Cut = Callable[[str, float, float], Path]


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TURNTONE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="module")
def cut(tmp_path_factory) -> Cut:
    """A piece of one side of the call, in seconds."""
    folder = tmp_path_factory.mktemp("call")

    def make(who: str, start_s: float, end_s: float) -> Path:
        source = CALLS / f"call40_{who}_8k.flac"
        if not source.exists():
            pytest.skip("the recorded call is not in ../shared/data")
        with av.open(str(source)) as container:
            samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
            rate = container.streams.audio[0].rate
        piece = samples[round(start_s * rate) : round(end_s * rate)]
        path = folder / f"{who}-{start_s:g}-{end_s:g}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
            file.writeframes((piece >> 16 if piece.dtype == np.int32 else piece).astype("<i2").tobytes())
        return path

    return make


def test_a_voice_is_enrolled_listed_recognised_and_forgotten(data, cut, capsys, caplog):
    assert main(["enroll", "Zora", str(cut("caller", 0, 60)), "--consent", "--role", "customer", "--days", "9"]) == 0
    assert "Zora is enrolled from" in capsys.readouterr().out
    assert main(["enroll", "--list", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert (shown["name"], shown["role"]) == ("Zora", "customer")
    assert "centroid" not in shown

    for who, names in (("caller", {"Zora"}), ("agent", {"speaker-1"})):
        main(["analyze", str(cut(who, 100, 130)), "--json"])
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert {event["speaker"] for event in events if event["turn"] is not None} == names
    assert "Zora" not in caplog.text

    assert main(["enroll", "--delete", "Zora"]) == 0
    assert main(["enroll", "--list"]) == 0
    assert "Nobody is enrolled" in capsys.readouterr().err
    assert list((data / "voices").iterdir()) == []
    assert main(["enroll", "--delete", "Zora"]) == 1


def test_two_voices_in_one_recording_are_refused(data, cut, capsys):
    files = [str(cut(who, 0, 60)) for who in ("caller", "agent")]
    assert main(["enroll", "Zora", *files, "--consent"]) == 1
    assert "more than one voice is heard" in capsys.readouterr().err
    assert not (data / "voices").exists()


def test_too_little_speech_is_refused(data, cut, capsys):
    assert main(["enroll", "Zora", str(cut("caller", 0, 12)), "--consent"]) == 1
    assert "it takes 10 s to know a voice" in capsys.readouterr().err


def test_without_consent_nothing_is_heard(data, capsys):
    assert main(["enroll", "Zora", "nowhere.wav"]) == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "biometric data" in said
    assert "--consent" in said


@pytest.mark.parametrize(
    "arguments",
    [[], ["Zora"], ["--list", "--delete", "Zora"], ["Zora", "a.wav", "--list"], ["Zora", "a.wav", "--days", "0"]],
)
def test_wrong_usage_is_two(data, arguments):
    assert main(["enroll", *arguments]) == 2


def test_a_file_that_is_not_there_is_named(data, capsys):
    assert main(["enroll", "Zora", "nowhere.wav", "--consent"]) == 1
    assert "nowhere.wav cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["speaker-3", "unheard", "channel/agent", "  "])
def test_a_name_the_engine_gives_itself_is_refused(name):
    with pytest.raises(EnrolmentRefused, match="no name a voice can have"):
        check_name(name)


def test_a_store_that_is_configured_holds_the_voices(data, tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text('[store]\nurl = "redis://127.0.0.1:1"\n')
    assert main(["enroll", "--list", "--config", str(config)]) == 1
    assert "the store does not answer" in capsys.readouterr().err
    assert main(["enroll", "--list", "--store", "redis://127.0.0.1:1"]) == 1
