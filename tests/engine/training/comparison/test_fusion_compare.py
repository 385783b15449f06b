"""The comparison as a whole: it goes on where it was stopped, and the table says what the units say."""

import json
from pathlib import Path

import pytest

from actors.cli import main
from engine.errors import ConfigurationError
from engine.training.comparison import run as running
from engine.training.comparison.contenders import GATED, LINEAR, MODELS
from engine.training.comparison.plots import draw
from engine.training.comparison.report import gather
from engine.training.comparison.run import Plan, compare, measure_costs
from engine.training.comparison.table import rendered
from engine.training.comparison.tasks import TASKS


def quiet(*_):
    pass


@pytest.fixture
def plan(tmp_path):
    return Plan(
        data=tmp_path,
        out=tmp_path / "out",
        tasks=("both-needed",),
        models=(LINEAR, "ca", "ca+dca"),
        seeds=2,
        epochs=1,
    )


def scores(plan):
    return [(row["model"], row["seeds"], row["scores"]) for row in gather(plan)["tasks"]["both-needed"]["rows"]]


def test_after_an_interruption_the_same_call_gives_the_same_table(plan, tmp_path, monkeypatch):
    compare(plan, jobs=1, progress=quiet)
    straight = scores(plan)
    broken = Plan(data=plan.data, out=tmp_path / "broken", tasks=plan.tasks, models=plan.models, seeds=2, epochs=1)
    told = []

    def interrupted(name, done, whole):
        told.append((done, whole))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(broken, jobs=1, progress=interrupted)
    assert told[-1] == (3, 6)
    assert len(list((broken.out / "units").iterdir())) == 3
    trained = []
    run = running.run
    monkeypatch.setattr(running, "run", lambda unit, *a, **k: trained.append(unit) or run(unit, *a, **k))
    compare(broken, jobs=1, progress=quiet)
    assert len(trained) == 3
    assert scores(broken) == straight
    compare(broken, jobs=1, progress=quiet)
    assert len(trained) == 3


def test_several_processes_give_the_same_table(plan, tmp_path):
    compare(plan, jobs=1, progress=quiet)
    other = Plan(data=plan.data, out=tmp_path / "two", tasks=plan.tasks, models=plan.models, seeds=2, epochs=1)
    compare(other, jobs=2, progress=quiet)
    assert scores(other) == scores(plan)


def test_results_of_other_settings_are_not_mixed(plan):
    compare(plan, jobs=1, progress=quiet)
    longer = Plan(data=plan.data, out=plan.out, tasks=plan.tasks, models=plan.models, seeds=2, epochs=2)
    with pytest.raises(ConfigurationError, match=r"both-needed--linear--0\.json was made with other settings"):
        compare(longer, jobs=1, progress=quiet)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tasks": ("singing",)}, "there is no task 'singing'; there are scripted,"),
        ({"models": ("magic",)}, "there is no model 'magic'; there are linear, avafn,"),
        ({"tasks": ("mosi",)}, r"the task mosi's mosi_train\.npz is not at"),
        ({"tasks": ("both-needed", "scripted-corrupted"), "models": ("avafn",)}, "scripted"),
    ],
)
def test_what_cannot_work_is_said_before_the_work(plan, changed, message):
    wrong = Plan(**{**{name: getattr(plan, name) for name in Plan.__slots__}, **changed})
    with pytest.raises(ConfigurationError, match=message):
        compare(wrong, jobs=1, progress=quiet)
    assert not wrong.out.exists()


def test_the_gate_is_judged_where_it_was_asked_and_all_models_everywhere_else():
    assert set(GATED) <= set(TASKS["scripted-corrupted"].models)
    assert TASKS["scripted"].models == MODELS
    assert TASKS["scripted"].masked


def test_the_command_prints_and_keeps_one_table(tmp_path, capsys):
    chosen = ["--task", "both-needed", "--model", "ca", "--model", "ca+dca", "--seeds", "1", "--epochs", "1"]
    command = ["bench", "fusion", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *chosen]
    assert main(command) == 0
    assert "## both-needed: accuracy" in capsys.readouterr().out
    assert "| ca+dca | 1 |" in (tmp_path / "out" / "table.md").read_text()
    assert (tmp_path / "out" / "scores.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((tmp_path / "out" / "table.json").read_text())
    assert kept["command"].endswith("--model ca --model ca+dca --seeds 1 --epochs 1")
    assert main([*command, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["model"] for line in lines] == ["ca", "ca+dca"]
    assert all(line["macs"] > 0 for line in lines)


def test_the_help_names_every_task_and_model(capsys):
    assert main(["bench", "fusion", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Tasks: {', '.join(TASKS)}." in said
    assert all(name.partition("+")[0] in said for name in MODELS)


def test_a_corpus_that_is_not_there_ends_the_command(tmp_path, capsys):
    assert main(["bench", "fusion", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--task", "mosi"]) == 1
    assert "say with --data where the corpora lie" in capsys.readouterr().err


def test_costs_are_measured_once(plan, monkeypatch):
    compare(plan, jobs=1, progress=quiet)
    measure_costs(plan)
    monkeypatch.setattr(running, "cost", lambda *_: pytest.fail("measured again"))
    measure_costs(plan)
    rows = gather(plan)["tasks"]["both-needed"]["rows"]
    assert all(row["parameters"] > 0 and row["macs"] > 0 for row in rows)


def unit(model, both, *, masking=True):
    """A row as `gather` makes it."""
    spread = {"mean": both, "deviation": 0.01}
    scores = {"both": spread, "audio": spread, "video": spread}
    row = {"model": model, "seeds": 3, "scores": scores, "seconds": 1.0}
    return row | ({"masking": {side: [both] * 10 for side in ("audio", "video")}} if masking else {})


def test_the_table_names_licences_and_who_is_not_above_the_references(tmp_path):
    asked = {
        "metric": "weighted_f1",
        "note": "one token",
        "licences": ["A corpus: CC BY 4.0"],
        "majority": 0.3,
        "references": {"SVM, both": 0.55},
        "judged_by": "both",
        "rows": [unit("linear", 0.5), unit("ca", 0.6), unit("ca+dca", 0.52), unit("avafn", 0.4)],
    }
    table = {"sizes": {}, "masking": {"shares": [n / 10 for n in range(1, 10)], "rows": 500}, "tasks": {"t": asked}}
    text = rendered(table)
    assert "Data: A corpus: CC BY 4.0." in text
    assert "| ca | 3 | 0.600 ± 0.010 |" in text
    assert "Not above `linear` (0.500): avafn." in text
    assert "Not above SVM, both (0.550): ca+dca, avafn." in text
    assert "| t | -0.080 | - | - | - |" in text
    assert "| model | modality | none | 10% | 20% |" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("| ca | audio")}
    assert widths == {13}
    asked["rows"] = [unit("linear", 0.5), unit("ca", 0.4)]
    assert "**No model is above `linear` (0.500).**" in rendered(table)
    asked["rows"][1]["scores"]["audio"] = {"mean": 0.7, "deviation": None}
    asked["judged_by"] = "audio"
    assert "By the voice alone:\nEvery model is above `linear` (0.500)." in rendered(table)
    names = [path.name for path in draw(table, tmp_path)]
    assert names == ["scores.png", "masking-t.png", "missing-t.png"]


def test_the_committed_table_is_that_of_its_figures():
    folder = Path(running.__file__).parent / "results"
    table = json.loads((folder / "table.json").read_text())
    assert (folder / "table.md").read_text().endswith(rendered(table))
    assert set(table["tasks"]) == set(TASKS)
