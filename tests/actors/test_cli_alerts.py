"""Alerts on the command line: shown between the turns, in a dialogue's record, in the contract."""

import io
import json

import pytest
from rich.console import Console

from actors.cli import dialogue, main
from actors.cli.table import TurnTable
from engine.alerts.state import AlertState, Watched, encode
from schemas.events import AlertEvent, AlertEvidence, EmotionEvent
from schemas.labels import EMOTIONS
from schemas.record import DialogueRecord, Position
from schemas.topics import ALERTS, SEGMENTS, TURNS
from simulators.samples import CALL

EVIDENCE = tuple(
    AlertEvidence(turn=n, start_s=60.0 + n, end_s=61.0 + n, label="anger", distribution={"anger": 0.5}) for n in (3, 5)
)
ALERT = AlertEvent(
    event_id="a",
    dialogue_id="call",
    rule="angry",
    severity="critical",
    speaker="anna",
    role="customer",
    turn=5,
    start_s=65.0,
    since_turn=3,
    evidence=EVIDENCE,
    model_id="m",
)
CONFIG = """
[alerts]
presets = ["distress"]

[[alerts.rules]]
name = "any-two"
severity = "info"
roles = ["customer"]
labels = ["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]
turns = 2
cooldown = 0
"""


def test_an_alert_is_a_line_among_the_turns():
    console = Console(file=io.StringIO(), width=100)
    TurnTable(console).show(ALERT)
    assert console.file.getvalue().splitlines()[1].split() == [
        "1:06.0", "call", "critical:", "angry,", "anna,", "turns", "3,", "5",
    ]  # fmt: skip


def test_a_dialogue_shows_what_its_rules_have_heard():
    state = AlertState(speakers={"anna": Watched(heard=EVIDENCE, resting={"angry": 4})})
    record = DialogueRecord(
        dialogue_id="call",
        incarnation="t/0/0",
        position=Position(topic=SEGMENTS, partition=0, offset=3),
        model_id="m",
        alerts=encode(state),
    )
    described = dialogue.describe(record)["alerts"]
    assert described["anna"]["resting"] == {"angry": 4}
    assert [turn["label"] for turn in described["anna"]["heard"]] == ["anger", "anger"]
    assert dialogue.describe(record.model_copy(update={"alerts": b""}))["alerts"] == {}


def test_recordings_are_analysed_with_the_rules_that_are_configured(checkpoint, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TURNTONE_MODEL__CHECKPOINT", str(checkpoint))
    (tmp_path / "alerts.toml").write_text(CONFIG)
    source = tmp_path / "source"
    source.mkdir()
    header, *lines = (CALL / "manifest.csv").read_text().splitlines()
    for line in lines[:6]:
        name = line.split(",")[3]
        (source / name).symlink_to((CALL / name).resolve())
    (source / "manifest.csv").write_text("\n".join([header, *lines[:6]]) + "\n")
    assert main(["analyze", str(source), "--json", "--config", str(tmp_path / "alerts.toml")]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    turns = [EmotionEvent.model_validate(one) for one in said if "rule" not in one]
    alerts = [AlertEvent.model_validate(one) for one in said if one.get("rule") == "any-two"]
    answered = [event.turn for event in turns if event.label]
    assert len(answered) >= 3
    assert [alert.turn for alert in alerts] == answered[1:]
    assert {alert.speaker for alert in alerts} == {"Customer"}


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ('name = "a"', "rule a has no condition"),
        ('name = "a"\nemotions = ["anger"]', "has no condition"),
        ('name = "a"\nlabels = ["anger"]\nprobability = 0.5', "emotions and probability go together"),
        ('name = "a"\nlabels = ["anger"]\nturns = 3\nwithin = 2', "turns cannot be more than within"),
        ('name = "a"\nlabels = ["anger"]\nturns = 21', "looks back at 20 turns"),
        ('name = "a"\nvalence_slope = -0.1', "a slope needs at least two turns"),
        ('name = "distress"\nlabels = ["fear"]', "two rules are called distress"),
        ('name = "a"\nlabels = ["rage"]', "alerts.rules.0.labels.0: Input should be"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_in_a_sentence(rule, sentence, tmp_path, capsys):
    path = tmp_path / "alerts.toml"
    path.write_text(f'[alerts]\npresets = ["distress"]\n\n[[alerts.rules]]\n{rule}\n')
    assert main(["analyze", str(CALL), "--config", str(path)]) in {1, 2}
    assert sentence in capsys.readouterr().err


def test_the_contract_names_alerts(capsys):
    assert main(["schema"]) == 0
    told = capsys.readouterr().out
    assert "AlertEvent" in told
    assert ALERTS in told
    assert TURNS in told
    assert all(emotion in told for emotion in EMOTIONS)
