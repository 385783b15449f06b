"""The comparison asked for a little, asked twice, or asked to go on over results that were made otherwise."""

import json

import pytest

from actors.cli import main
from engine.errors import ConfigurationError
from engine.training.comparison.contenders import LINEAR
from engine.training.comparison.fit import Schedule
from engine.training.comparison.run import UNITS, Plan, compare
from engine.training.comparison.synthetic import both_needed
from engine.training.comparison.unit import Unit, run

SMALL = ["--task", "both-needed", "--seeds", "1", "--epochs", "1"]


def command(tmp_path, *, out="out", models=("ca",)):
    named = [word for name in models for word in ("--model", name)]
    return ["bench", "fusion", "--data", str(tmp_path), "--out", str(tmp_path / out), *SMALL, *named]


def test_the_reference_alone_is_above_nobody(tmp_path, capsys):
    assert main(command(tmp_path, models=[LINEAR])) == 0
    said = capsys.readouterr().out
    assert "| linear | 1 |" in said
    assert "Every model is above" not in said


def test_a_model_that_is_named_twice_is_trained_once(tmp_path, capsys):
    assert main(command(tmp_path, models=["ca", "ca"])) == 0
    assert capsys.readouterr().out.count("| ca | 1 |") == 1


@pytest.mark.parametrize("told", ["bench fusion", "bench dialogue", "train default"])
def test_a_file_in_the_place_of_the_folder_is_told(tmp_path, capsys, told):
    (tmp_path / "out").write_text("a file")
    assert main([*told.split(), "--data", str(tmp_path), "--out", str(tmp_path / "out" / "new")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_results_of_another_size_are_not_mixed(tmp_path):
    plan = Plan(data=tmp_path, out=tmp_path / "out", tasks=("both-needed",), models=("jca",), seeds=1, epochs=1)
    compare(plan, jobs=1, progress=lambda *_: None)
    path = plan.out / UNITS / "both-needed--jca--0.json"
    kept = json.loads(path.read_text())
    kept["settings"]["numbers"]["inner_width"] = 7
    path.write_text(json.dumps(kept))
    with pytest.raises(ConfigurationError, match=r"both-needed--jca--0\.json was made with other settings"):
        compare(plan, jobs=1, progress=lambda *_: None)


def test_a_time_axis_that_is_as_short_as_the_task_is_no_other_setting(tmp_path):
    plan = Plan(data=tmp_path, out=tmp_path / "out", tasks=("both-needed",), models=("attsf",), seeds=1, epochs=1)
    compare(plan, jobs=1, progress=lambda *_: None)
    done = []
    compare(plan, jobs=1, progress=lambda name, *_: done.append(name))
    assert done == [""]


def test_a_model_that_ran_away_has_no_score():
    """Its first weights, which nothing was learned into, would have been measured in its place."""
    task, schedule = both_needed(utterances=90), Schedule(epochs=3, batch=8, learning_rate=1e30)
    with pytest.raises(ConfigurationError, match="ran away"):
        run(Unit("both-needed", "linear", 0), task, schedule=schedule, masked=False)
