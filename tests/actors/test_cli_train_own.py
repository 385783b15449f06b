import csv

import pytest

from actors.cli import main
from engine.training.fitting import fit
from engine.training.recipe import FOLDER
from simulators.samples import CALL


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The bundled call as three dialogues, and the shipped recipe made short."""
    with (CALL / "manifest.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    said = [
        f"part{place // 8},{row['utterance_id']},{row['speaker']},{CALL / row['media']},,,{row['emotion']}"
        for place, row in enumerate(rows)
    ]
    head = "dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion"
    (tmp_path / "mine.csv").write_text("\n".join([head, *said]) + "\n")
    (tmp_path / "unseen.csv").write_text("\n".join([head, *said[:4]]) + "\n")
    recipe = (FOLDER / "own.toml").read_text()
    (tmp_path / "short.toml").write_text(
        recipe.replace("epochs = 30", "epochs = 2").replace("versions = 3", "versions = 2")
    )
    monkeypatch.chdir(tmp_path)
    return ["train", "short.toml", "--manifest", "mine.csv", "--test", "unseen.csv"]


def test_two_commands_from_a_corpus_to_a_checkpoint_that_runs(command, tmp_path, monkeypatch, capsys):
    plain, kept = fit.keep, []

    def keep(path, state):
        plain(path, state)
        kept.append(len(state["epochs"]))
        if len(kept) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit, "keep", keep)
    assert main(command) == 130
    assert "the same command goes on from what lies in runs/short" in " ".join(capsys.readouterr().err.split())
    assert main(command) == 0
    assert kept == [1, 2]
    assert "turntone up --checkpoint runs/short" in " ".join(capsys.readouterr().out.split())
    assert "| unseen |  | 4 |" in (tmp_path / "runs" / "short" / "README.md").read_text()
    assert main(["evaluate", "runs/short", "--on", "unseen.csv", "--json"]) == 0
    assert '"turns": 4' in capsys.readouterr().out


def test_a_seed_makes_another(command, tmp_path):
    assert main(command) == 0
    assert main([*command, "--seed", "1"]) == 0
    one, other = (tmp_path / "runs" / name / "model.safetensors" for name in ("short", "short-seed1"))
    assert one.read_bytes() != other.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "own"], "name it with --manifest FILE.csv"),
        (["train", "default", "--manifest", "mine.csv"], "--manifest means nothing to default.toml"),
        (["train", "own", "--manifest", "mine.csv", "--gate", "dca"], "it takes --manifest, --from, --test, --seed"),
        (["train", "dan", "--seed", "1"], "a recipe of kind 'face encoder': it takes --test"),
        (["train", "dan", "--test", "no.csv"], "no.csv is no manifest to test with"),
        (["train", "voice", "--test", "unseen.csv"], "no encoder of those is the one to test: name the same encoder"),
        (["train", "own", "--manifest", "no.csv"], "no.csv cannot be read"),
        (["evaluate", "default", "--on", "emodb", "--through-stack"], "emodb has no files to replay"),
    ],
)
def test_what_makes_no_sense_is_told(command, arguments, message, capsys):
    assert main(arguments) == 1
    assert message in " ".join(capsys.readouterr().err.split())
