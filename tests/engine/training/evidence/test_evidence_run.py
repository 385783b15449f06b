import json

import numpy as np
import pytest

from actors.cli import main
from engine.training.evidence import recipe
from schemas.labels import EMOTIONS

QUICK = """corpus = "meld-six"
seeds = 2
inner_folds = 2
inner_seeds = 1
[all]
width = 4
epochs = 1
batch = 8
[settings.scores]
[settings.features]
features = 0.3
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The command over a few turns under the name of MELD's six speakers, with settings learned in a moment."""
    draw = np.random.default_rng(0)
    rows = {
        "dialogue": np.repeat(np.arange(10), 4),
        "utterance": np.tile(np.arange(4), 10),
        "speaker": np.tile(np.array(["A", "B"]), 20),
        "emotion": np.array(EMOTIONS)[draw.integers(0, 3, 40)],
        "audio": draw.normal(size=(40, 5)).astype(np.float32) ** 2,
        "face": draw.normal(size=(40, 3)).astype(np.float32),
    }
    path = tmp_path / "meld_six_speakers_av.npz"
    np.savez(path, **{f"{split}_{name}": values for split in ("train", "dev") for name, values in rows.items()})
    (tmp_path / "quick.toml").write_text(QUICK)
    monkeypatch.setattr(recipe, "FOLDER", tmp_path)
    return ["bench", "evidence", "quick", "--data", str(tmp_path), "--out", str(tmp_path / "out")]


def test_the_choice_alone_leaves_the_test_part_unread(asked, tmp_path, capsys):
    assert main([*asked, "--choosing"]) == 0
    said = capsys.readouterr()
    assert said.out.strip() in ("fold 0: scores", "fold 0: features")
    assert "the test part" not in said.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quick-choice.csv"]


def test_what_was_chosen_is_measured_and_not_chosen_again(asked, tmp_path, capsys):
    assert main([*asked, "--choosing"]) == 0
    choice = (tmp_path / "out" / "quick-choice.csv").read_bytes()
    picked = capsys.readouterr().out.strip().removeprefix("fold 0: ")
    assert main(asked) == 0
    assert "single turn, one of 2 seeds" in capsys.readouterr().out
    assert (tmp_path / "out" / "quick-choice.csv").read_bytes() == choice
    told = json.loads((tmp_path / "out" / "quick.json").read_text())
    assert told["chosen"] == {"0": picked}
    assert 0 <= told["measured"]["rows"][0]["weighted_f1"]["low"] <= 1


def test_a_recipe_that_is_not_there_is_named(asked, capsys):
    assert main([*asked[:2], "other", *asked[3:]]) == 1
    assert "there are quick" in capsys.readouterr().err
