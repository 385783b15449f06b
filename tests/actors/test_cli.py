import json
import subprocess
import sys

import pytest

from actors.cli import main
from actors.cli.app import app


def test_help_has_every_command_and_examples(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    commands = "demo up analyze replay enroll watch load train evaluate schema doctor dead-letters dialogue model"
    assert all(f"\n  {name} " in printed for name in commands.split())
    assert "turntone replay recordings/ --speed 2" in printed


def test_every_command_has_help():
    names = [command.name for command in app.registered_commands]
    assert len(names) >= 9
    for name in names:
        assert main([name, "--help"]) == 0


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["replay"], ["watch", "--speed"], ["replay", "x", "--speed", "fast"], []]
)
def test_wrong_usage_is_two(arguments):
    assert main(arguments) == 2


def test_the_contract_is_json(capsys):
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["asyncapi"]["asyncapi"] == "3.0.0"
    assert "EmotionEvent" in printed["json-schema"]
    assert main(["schema", "asyncapi"]) == 0
    assert json.loads(capsys.readouterr().out) == printed["asyncapi"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["watch"], "No stack runs in the data folder"),
        (["replay", "simulators/samples/call"], "No stack runs in the data folder"),
        (["dead-letters", "list"], "No stack runs in the data folder"),
        (["dialogue", "show", "d"], "No stack runs in the data folder"),
        (["dialogue", "forget", "d"], "No stack runs in the data folder"),
        (["replay", "nowhere"], "nowhere does not exist"),
        (["watch", "--config", "nowhere.toml"], "cannot read the configuration"),
        (["model", "show", "nowhere"], "no checkpoint at"),
        (["watch", "--broker", "127.0.0.1:1"], "No broker answers at 127.0.0.1:1"),
        (["watch", "--broker", "nonsense"], "No broker answers at nonsense"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TURNTONE_DATA", str(tmp_path))
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error


def test_a_command_starts_without_the_models():
    script = (
        "import sys, actors.cli.app\n"
        "print([name for name in ('torch', 'ray', 'pyannote', 'kafka', 'transformers', 'av') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_checkpoint_is_shown_and_verified(checkpoint, capsys):
    assert main(["model", "show", str(checkpoint), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["labels"][0] == "neutral"
    assert shown["parameters"] > 0
    assert main(["model", "verify", str(checkpoint)]) == 1
    assert shown["model_id"] in capsys.readouterr().err
