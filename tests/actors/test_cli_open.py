"""The checkpoint of voices alone by its name: `--checkpoint open`, and the commands that say what it is."""

import json

from actors.cli import main
from engine import artifact
from engine.build import build_perceiver
from engine.config import Config, ModelSettings
from engine.faces.unread import REASON, Unsearched
from simulators.samples import CALL, MEETING


def analyzed(capsys, *arguments):
    assert main(["analyze", *map(str, arguments), "--role", "customer", "--checkpoint", "open", "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_film_is_heard_and_every_turn_says_why_it_is_not_seen(capsys):
    events = analyzed(capsys, MEETING / "bbaf2n.mp4")
    assert events
    for event in events:
        assert event["model_id"] == artifact.read(artifact.find("open")).model_id
        assert event["modalities"]["audio"]
        assert not event["modalities"]["video"]
        assert event["modalities"]["video_missing"] == REASON
        assert (event["weights"]["audio"], event["weights"]["video"]) == (1.0, 0.0)
        assert event["distribution"]["surprise"] == 0


def test_a_voice_without_a_picture_has_the_reason_of_its_own(capsys):
    (event,) = analyzed(capsys, CALL / "14b09Wa.flac")
    assert event["label"] == "anger"
    assert event["modalities"]["video_missing"] == "no video stream"


def test_faces_are_searched_for_only_where_they_are_read():
    blind = build_perceiver(Config(model=ModelSettings(checkpoint="open")))
    sighted = build_perceiver(Config())
    assert isinstance(blind._faces, Unsearched)
    assert not isinstance(sighted._faces, Unsearched)


def test_what_it_is_can_be_shown_and_verified(capsys):
    assert main(["model", "verify", "open"]) == 0
    assert main(["model", "show", "open", "--json"]) == 0
    verified, *shown = capsys.readouterr().out.splitlines()
    assert "is whole" in verified
    said = json.loads(shown[-1])
    assert said["licence"].startswith("Any use")
    assert {part["part"]: part["model"] for part in said["parts"]} == {
        "audio encoder": "voice-residual",
        "face encoder": "none",
        "fusion": "voice",
        "dialogue": "avafn",
    }
    assert said["parts"][1]["parameters"] == said["parts"][1]["macs"] == 0


def test_a_name_that_is_none_lists_those_that_come_along(capsys):
    assert main(["model", "verify", "opn"]) == 1
    assert "'default' or 'open'" in capsys.readouterr().err
