"""What is wrong is said before the work, and nothing that was worked out is lost to a name."""

from pathlib import Path

import pytest

from actors.cli import main
from actors.cli.analyze import rttm_lines
from actors.cli.stream import read_voices
from actors.report.lanes import rows
from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from simulators.samples import CALL

VOICE = str(CALL / "14b01Fa.flac")
LONG = "n" * 129
NO_TEXT = b"ann\xff".decode(errors="surrogateescape")


def _turn(speaker, *, start_s, end_s):
    return EmotionEvent(
        event_id="e",
        dialogue_id="d",
        turn=1,
        speaker=speaker,
        start_s=start_s,
        end_s=end_s,
        label=None,
        modalities=Modalities(audio=True, video=False),
        model_id="m",
        policy=PolicyDecision(allowed=True, rule="r"),
        state=StateNote(status="new"),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["stream", VOICE, "--dialogue", "d", "--role", LONG],
        ["stream", VOICE, "--dialogue", "d", "--role", ""],
        ["stream", VOICE, "--dialogue", "d", "--channel", f"0={LONG}"],
        ["stream", VOICE, "--dialogue", "d", "--channel", f"0=ann:{NO_TEXT}"],
        ["stream", VOICE, "--dialogue", "d", "--channel", "0=ann:agent", "--channel", "1=ann:customer"],
        ["enroll", LONG, VOICE, "--consent"],
        ["enroll", NO_TEXT, VOICE, "--consent"],
        ["enroll", "ann", VOICE, "--consent", "--role", LONG],
        ["enroll", "--delete", NO_TEXT],
        ["analyze", VOICE, "--role", ""],
        ["analyze", VOICE, "--report", "nowhere/page.html"],
        ["analyze", VOICE, "--rttm", "."],
    ],
)
def test_what_could_never_be_kept_is_wrong_usage(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TURNTONE_DATA", str(tmp_path))
    assert main(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_names_of_channels_stay_as_they_are():
    voices = read_voices(["0=ann:agent", "1=ben"], apart=False, role="customer")
    assert [(voice.speaker, voice.role) for voice in voices.announced()] == [("ann", "agent"), ("ben", "customer")]


@pytest.mark.parametrize("name", ["   ", "\u2003", "a b\tc", None])
def test_a_line_of_rttm_has_ten_fields_whatever_a_speaker_is_called(name):
    (line,) = rttm_lines([_turn(name, start_s=0.0, end_s=1.0)])
    assert len(line.rstrip("\n").split(" ")) == 10


def test_a_file_whose_name_is_no_text_has_its_page(tmp_path, checkpoint, monkeypatch):
    monkeypatch.setenv("TURNTONE_MODEL__CHECKPOINT", str(checkpoint))
    odd = tmp_path / f"{NO_TEXT}.flac"
    odd.write_bytes(Path(VOICE).read_bytes())
    page = tmp_path / "page.html"
    main(["analyze", str(odd), "--report", str(page)])
    assert "ann" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("offset", ["nan", "inf"])
def test_a_dialogue_begins_at_a_number(offset, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TURNTONE_DATA", str(tmp_path))
    assert main(["stream", VOICE, "--dialogue", "d", "--offset", offset]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_turn_far_away_does_not_fill_a_page_with_empty_rows():
    turn = _turn("ann", start_s=1e15, end_s=1e15 + 2.0)
    assert [[box.turn for box in row.boxes] for row in rows([turn], speakers=["ann"])] == [[1]]
