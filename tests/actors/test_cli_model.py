"""What `turntone model` says of a checkpoint and of an architecture."""

import json

import pytest

from actors.cli import main
from engine.artifact import read
from engine.fusion.builders import NAMES


def _json(capsys, *arguments):
    assert main(["model", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_parts_of_a_checkpoint_are_all_of_it(checkpoint, capsys):
    (shown,) = _json(capsys, "show", str(checkpoint))
    parts = {part["part"]: part for part in shown["parts"]}
    assert list(parts) == ["audio encoder", "face encoder", "fusion", "dialogue"]
    assert [part["model"] for part in parts.values()] == ["voice", "face", "avafn", "avafn"]
    assert shown["parameters"] == sum(part["parameters"] for part in parts.values())
    learned = [n for n, t in read(checkpoint).tensors.items() if t.is_floating_point() and "running_" not in n]
    assert shown["parameters"] == sum(read(checkpoint).tensors[name].numel() for name in learned)
    for part in parts.values():
        assert part["parameters"] == sum(part["inside"].values())
        assert part["macs"] > 0
    assert shown["utterance"] == {"voice_s": 3.0, "faces": 15, "participants": 2}


def test_a_dialogue_step_costs_what_its_cells_cost(checkpoint, capsys):
    (shown,) = _json(capsys, "show", str(checkpoint))
    d, listeners = 8, 3  # two slots, and the one state of whoever has not spoken
    cells = 2 * 3 * d * (2 * d + d) + 3 * d * (2 * d + listeners * d) + 3 * d * (3 * d + d)
    score, classifier = d, 7 * d
    assert shown["parts"][3]["macs"] == cells + score + classifier


def test_a_checkpoint_is_shown_in_words(checkpoint, capsys):
    assert main(["model", "show", str(checkpoint)]) == 0
    printed = capsys.readouterr().out
    for words in ("audio encoder", "face encoder", "multiply-adds of 3 s of voice and 15 faces", "licence", "labels:"):
        assert words in printed


def test_every_fusion_model_is_listed(capsys):
    listed = _json(capsys, "fusions")
    assert [one["model"] for one in listed] == list(NAMES)
    assert all(one["parameters"] > 0 and one["macs"] > 0 for one in listed)
    assert main(["model", "fusions"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in NAMES)


def test_an_architecture_is_shown_without_weights(capsys):
    (plain,) = _json(capsys, "show", "--fusion", "jca")
    (gated,) = _json(capsys, "show", "--fusion", "jca", "--gate", "dca")
    assert gated == _json(capsys, "show", "--fusion", "jca+dca")[0]
    assert gated["fusion"] == "jca+dca"
    assert gated["trained"] is False
    # Two gates of d = 128 by 2, each read for 16 clips.
    assert gated["parts"][0]["parameters"] - plain["parts"][0]["parameters"] == 2 * 128 * 2
    assert gated["parts"][0]["macs"] - plain["parts"][0]["macs"] == 16 * 2 * 128 * 2
    assert main(["model", "show", "--fusion", "jca"]) == 0
    assert "not a trained model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--fusion", "help"], 1, "there are avafn, avt-ca"),
        (["--fusion", "attsf", "--gate", "dca"], 1, "no fusion model is called 'attsf+dca'"),
        (["--gate", "dca"], 2, "--fusion"),
        (["default", "--fusion", "ca"], 2, "not both"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments, code, sentence, capsys):
    assert main(["model", "show", *arguments]) == code
    assert sentence in capsys.readouterr().err
