"""Recordings through `analyze`: tracks, several files, what cannot be read, and a run that is broken off."""

import base64
import io
import json
import os
import signal
from html.parser import HTMLParser
from itertools import pairwise

import av
import numpy as np
import pytest

from actors.cli import main
from actors.cli.analyze import open_sources
from actors.cli.hearing import Hearing
from engine.config import read_config
from engine.errors import ConfigurationError
from engine.media.encode import Sound, encode_wav
from engine.signals import SAMPLE_RATE_HZ
from schemas.events import DialogueEvent
from schemas.record import Position
from schemas.topics import DIALOGUES
from simulators.samples import CALL, MEETING
from simulators.transcode import Stretch, read_sound

PAUSE = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)


@pytest.fixture(autouse=True)
def _tiny(checkpoint, monkeypatch):
    monkeypatch.setenv("TURNTONE_MODEL__CHECKPOINT", str(checkpoint))


def voice(name):
    sound = read_sound(Stretch(CALL / name))
    assert sound.rate_hz == SAMPLE_RATE_HZ
    return sound.samples.mean(axis=0)


def write(path, *channels):
    """A wav of as many channels as are given, the shorter ones filled up."""
    longest = max(len(channel) for channel in channels)
    samples = np.stack([np.pad(channel, (0, longest - len(channel))) for channel in channels])
    path.write_bytes(encode_wav(Sound(samples, SAMPLE_RATE_HZ)))
    return path


@pytest.fixture
def talk(tmp_path):
    """Three utterances of one voice, a second of silence between."""
    names = ("14b01Na.flac", "14a05Na.flac", "14b02Nb.flac")
    parts = [part for name in names if (CALL / name).is_file() for part in (voice(name), PAUSE)]
    return write(tmp_path / "talk.wav", np.concatenate([PAUSE, *parts]))


def turns_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_recording_is_cut_where_speech_pauses(talk, tmp_path, capsys):
    assert main(["analyze", str(talk), "--json", "--rttm", str(tmp_path / "out.rttm")]) == 0
    events = turns_of(capsys.readouterr().out)
    assert len(events) >= 2
    assert {event["dialogue_id"] for event in events} == {"talk"}
    assert all(event["end_s"] <= after["start_s"] for event, after in pairwise(events))
    assert events[0]["start_s"] == pytest.approx(1.0, abs=0.3)
    lines = [line.split() for line in (tmp_path / "out.rttm").read_text().splitlines()]
    assert [float(line[3]) for line in lines] == [event["start_s"] for event in events]


def test_each_channel_is_somebody_and_the_agent_is_withheld(tmp_path, capsys):
    customer, agent = voice("14b01Na.flac"), voice("12b02Na.flac")
    silence = np.zeros(len(customer), dtype=np.float32)
    call = write(tmp_path / "call.wav", np.concatenate([customer, PAUSE]), np.concatenate([silence, PAUSE, agent]))
    channels = ["--channel", "0=Ann:customer", "--channel", "1=Bob:agent"]
    assert main(["analyze", str(call), "--json", *channels]) == 0
    heard = {(event["speaker"], event["abstained"]) for event in turns_of(capsys.readouterr().out)}
    assert heard == {("Ann", None), ("Bob", "withheld")}


def test_several_files_follow_each_other_and_a_bad_one_is_named(talk, tmp_path, capsys):
    (tmp_path / "words.wav").write_text("words")
    again = tmp_path / "again.wav"
    again.write_bytes(talk.read_bytes())
    assert main(["analyze", str(talk), str(tmp_path / "words.wav"), str(again), "--json"]) == 1
    captured = capsys.readouterr()
    assert "skipped words.wav" in captured.err
    starts = [event["start_s"] for event in turns_of(captured.out)]
    half = len(starts) // 2
    assert len(starts) == 2 * half
    shift = {round(after - before, 1) for before, after in zip(starts[:half], starts[half:], strict=True)}
    assert len(shift) == 1, "the second file says the same, a file later"


def test_what_is_said_of_a_corpus_is_refused(tmp_path):
    config = read_config()
    with pytest.raises(ConfigurationError, match="is no media file"):
        open_sources([CALL / "14b01Na.flac", CALL], config=config, speakers=None, channels=(), role="performer")
    with pytest.raises(ConfigurationError, match="says itself who speaks"):
        open_sources([CALL], config=config, speakers=2, channels=(), role="performer")


def test_silence_is_no_failure(tmp_path, capsys):
    silence = write(tmp_path / "silence.wav", np.zeros(3 * SAMPLE_RATE_HZ, dtype=np.float32))
    assert main(["analyze", str(silence), "--report", str(tmp_path / "out.html")]) == 0
    assert "Nobody is heard" in capsys.readouterr().err
    assert "Turntone" in (tmp_path / "out.html").read_text()


def test_a_film_has_a_page_with_the_face_that_speaks(tmp_path, capsys):
    page = tmp_path / "out.html"
    assert main(["analyze", str(MEETING / "bbaf2n.mp4"), "--json", "--report", str(page)]) == 0
    (event,) = turns_of(capsys.readouterr().out)
    assert event["modalities"]["video"]
    pictures = [attributes["src"] for tag, attributes in elements(page.read_text()) if tag == "img"]
    assert len(pictures) == 2, "the speaker's and the track's"
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)

    with av.open(io.BytesIO(base64.b64decode(pictures[0].partition(",")[2]))) as picture:
        pixels = next(picture.decode(video=0)).to_ndarray(format="rgb24")
    assert pixels.std() > 20


def test_ctrl_c_writes_what_was_analysed_until_then(talk, tmp_path, capsys, monkeypatch):
    long = write(tmp_path / "long.wav", np.concatenate([read_sound(Stretch(talk)).samples.mean(axis=0)] * 12))
    hear, heard = Hearing.__call__, []

    def interrupted(self, record):
        hear(self, record)
        if len(self.events) == 3 and not heard:
            heard.append(record)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Hearing, "__call__", interrupted)
    outputs = ["--rttm", str(tmp_path / "out.rttm"), "--report", str(tmp_path / "out.html")]
    assert main(["analyze", str(long), "--json", *outputs]) == 1
    captured = capsys.readouterr()
    events = turns_of(captured.out)
    assert 3 <= len(events) < 24
    assert len((tmp_path / "out.rttm").read_text().splitlines()) == len(events)
    assert "Stopped at" in (tmp_path / "out.html").read_text()
    assert "Stopped after" in captured.err


def test_ids_that_were_merged_are_one_in_what_is_written(capsys):
    from engine.transport.base import Incoming
    from schemas.events import EmotionEvent

    hearing = Hearing(json=True)
    fields = {"event_id": "e", "dialogue_id": "talk", "turn": 0, "start_s": 0, "end_s": 1, "label": None}
    rest = {
        "modalities": {"audio": True, "video": False},
        "model_id": "m",
        "policy": {"allowed": True, "rule": "r"},
        "state": {"status": "new"},
    }
    hearing.events = [
        EmotionEvent.model_validate(fields | rest | {"speaker": name}) for name in ("speaker-1", "speaker-2")
    ]
    merged = DialogueEvent(
        event_id="m", dialogue_id="talk", status="merged", speaker="speaker-2", into="speaker-1", turns=2
    )
    position = Position(topic=DIALOGUES, partition=0, offset=0)
    hearing(Incoming(position, "talk", merged.model_dump_json().encode(), (), 0.0))
    assert {event.speaker for event in hearing.events} == {"speaker-1"}
    assert hearing.ended == set()
    assert "speaker-2 turned out to be speaker-1" in capsys.readouterr().err


def elements(text):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    Reader().feed(text)
    return found
