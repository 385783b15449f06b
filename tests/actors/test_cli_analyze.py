import json
import re

import pytest

from actors.cli import main
from simulators.samples import CALL, MEETING


@pytest.fixture
def tiny(checkpoint, monkeypatch):
    monkeypatch.setenv("TURNTONE_MODEL__CHECKPOINT", str(checkpoint))


def short_manifest(folder, turns):
    """The first turns of the call, with its media where they lie."""
    header, *lines = (CALL / "manifest.csv").read_text().splitlines()
    for line in lines[:turns]:
        name = line.split(",")[3]
        (folder / name).symlink_to((CALL / name).resolve())
    (folder / "manifest.csv").write_text("\n".join([header, *lines[:turns]]) + "\n")
    return folder


def test_a_manifest_gives_a_turn_each_and_the_agent_is_withheld(tiny, tmp_path, capsys):
    source = short_manifest(tmp_path, 4)
    assert main(["analyze", str(source), "--json", "--rttm", str(tmp_path / "out.rttm")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    turns = {event["turn"]: event for event in events}
    assert [turns[n]["abstained"] for n in (0, 2)] == ["withheld"] * 2
    assert all(turns[n]["label"] for n in (1, 3))
    spoken = (tmp_path / "out.rttm").read_text().splitlines()
    assert [line.split()[0] for line in spoken] == ["SPEAKER"] * 4
    assert [line.split()[7] for line in spoken] == ["Agent", "Customer", "Agent", "Customer"]


def test_a_film_is_heard_and_seen_and_shown_as_a_table(tiny, capsys):
    assert main(["analyze", str(MEETING / "bbaf2n.mp4"), "--role", "agent"]) == 0
    assert "withheld (agent)" in capsys.readouterr().out


def test_a_checkpoint_is_measured(checkpoint, tmp_path, capsys):
    source = short_manifest(tmp_path, 4)
    saved = tmp_path / "table.json"
    assert main(["evaluate", str(checkpoint), "--on", str(source), "--json", "--out", str(saved)]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["turns"] == 2
    assert 0.0 <= measured["weighted_f1"] <= 1.0
    assert measured["weighted_f1_low"] is None, "one dialogue says nothing of another"
    assert json.loads(saved.read_text()) == [measured]


def test_ratings_in_a_manifest_are_measured_in_what_the_events_say(checkpoint, tmp_path, capsys):
    manifest = short_manifest(tmp_path, 4) / "manifest.csv"
    header, *lines = manifest.read_text().splitlines()
    rated = [f"{line},0.{place},{'-0.5' if place == 1 else ''}" for place, line in enumerate(lines)]
    manifest.write_text("\n".join([f"{header},valence,arousal", *rated]) + "\n")
    assert main(["evaluate", str(checkpoint), "--on", str(tmp_path), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["rated_valence"] == 2
    assert measured["ccc_valence"] == measured["circumplex_ccc_valence"]["value"]
    assert -1 <= measured["ccc_valence"] <= 1
    assert "ccc_arousal" not in measured


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere", "no checkpoint at 'nowhere': name a folder, a hub id"), (".", "cannot read config.json")],
)
def test_a_checkpoint_that_is_none_is_told_in_a_sentence(name, says, tmp_path, capsys):
    assert main(["analyze", str(CALL / "14b01Na.flac"), "--checkpoint", name]) == 1
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_weights_of_another_fusion_are_told_in_a_sentence(checkpoint, tmp_path, capsys):
    config = json.loads((checkpoint / "config.json").read_text())
    numbers = {name: value for name, value in config["fusion"].items() if name != "feed_forward_width"}
    (tmp_path / "config.json").write_text(json.dumps(config | {"fusion": numbers | {"name": "jca"}}))
    (tmp_path / "model.safetensors").symlink_to((checkpoint / "model.safetensors").resolve())
    assert main(["analyze", str(CALL / "14b01Na.flac"), "--checkpoint", str(tmp_path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(
        r"weights and configuration do not fit: \d+ tensors of fusion are missing, left over or of another", said
    )


def test_nothing_is_measured_without_labels(checkpoint, capsys):
    assert main(["evaluate", str(checkpoint), "--on", str(CALL / "14b01Na.flac")]) == 1
    assert "names no emotions" in capsys.readouterr().err


def test_a_recipe_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["train", "nowhere", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "no recipe at nowhere" in capsys.readouterr().err
