import json
from dataclasses import replace

import numpy as np
import pytest

from actors.cli import main
from engine.training.ablation import tasks, units
from engine.training.fitting.study import Schedule
from schemas.labels import EMOTIONS

SCHEDULE = Schedule(width=8, epochs=2, batch=4)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A few turns under the names of MELD's embeddings and of its six speakers, learned in a moment."""
    draw = np.random.default_rng(0)
    rows = {
        "dialogue": np.repeat(np.arange(10), 4),
        "utterance": np.tile(np.arange(4), 10),
        "speaker": np.tile(np.array(["A", "B"]), 20),
        "emotion": np.array(EMOTIONS)[draw.integers(0, 7, 40)],
        "audio": draw.normal(size=(40, 148)).astype(np.float32) ** 2,
        "face": draw.normal(size=(40, 60)).astype(np.float32),
    }
    np.savez(tmp_path / "meld_dev_embeddings.npz", **rows)
    both = {f"{split}_{name}": values for split in ("train", "dev") for name, values in rows.items()}
    np.savez(tmp_path / "meld_six_speakers_av.npz", **both)
    quick = {name: replace(task, schedule=SCHEDULE) for name, task in tasks.TASKS.items()}
    monkeypatch.setattr(units, "TASKS", quick)
    return tmp_path


def answered(data, out, corpora=("meld-embeddings",), progress=lambda *_: None):
    return list(units.run(out, data=data, corpora=corpora, variants=["complete", "no_ssm"], seeds=2, progress=progress))


def test_every_turn_of_every_fold_is_answered_by_every_seed(data, tmp_path):
    moves = []
    (found,) = answered(data, tmp_path / "out", progress=lambda *what: moves.append(what[:3]))
    assert len(found.units) == 2 * 2 * 2 * 5
    assert len(found.labels) == len(found.dialogues) == 40
    assert len(set(found.dialogues)) == 10
    assert moves[-1] == ("meld-embeddings", 80, 80)


def test_a_run_goes_on_where_it_stopped(data, tmp_path):
    out = tmp_path / "out"
    (first,) = answered(data, out)
    kept = sorted(out.glob("*.json"))
    before = {path: path.stat().st_mtime_ns for path in kept}
    kept[3].unlink()
    said = json.loads(kept[5].read_text())
    kept[5].write_text(json.dumps(said | {"schedule": said["schedule"] | {"width": 4}}))
    (again,) = answered(data, out)
    for one, other in zip(first.units, again.units, strict=True):
        np.testing.assert_array_equal(one.chances, other.chances)
    changed = {path for path in kept if path.stat().st_mtime_ns != before[path]}
    assert changed == {kept[3], kept[5]}


def test_the_command_writes_the_table(data, tmp_path, capsys):
    out = tmp_path / "out"
    chosen = "--corpus meld-six-face --variant complete --variant single_turn --seeds 1".split()
    assert main(["bench", "dialogue", "--data", str(data), "--out", str(out), *chosen]) == 0
    told = capsys.readouterr().out
    assert "context" in told
    assert (out / "meld-six-face.md").read_text() in told
    rows = json.loads((out / "meld-six-face.json").read_text())["rows"]
    assert [(row["variant"], row["direction"]) for row in rows] == [
        ("complete", "causal"),
        ("complete", "bidirectional"),
        ("single_turn", "causal"),
        ("single_turn", "bidirectional"),
    ]


@pytest.mark.parametrize("wrong", ["--corpus=meld", "--variant=no_idea"])
def test_a_wrong_name_is_told_with_the_right_ones(tmp_path, wrong, capsys):
    assert main(["bench", "dialogue", "--data", str(tmp_path), "--out", str(tmp_path), wrong]) == 1
    assert "in this benchmark; there are" in capsys.readouterr().err
