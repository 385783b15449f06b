"""A run of one speaker: figures without an interval, in a file that any program reads."""

import json

import numpy as np

from engine.training.recipe import FOLDER
from engine.training.voices import report, results
from engine.training.voices.answers import Answer
from engine.training.voices.recipe import load


def test_of_one_speaker_there_is_no_interval_and_the_file_is_json_all_the_same(tmp_path):
    said = [Answer("clean", "emodb", f"v{n}", "03", "male", n % 2, np.array([0.7, 0.3])) for n in range(4)]
    table = results.rows([said], {"emodb": ("joy", "anger")})
    report.write(tmp_path, load(FOLDER / "voice.toml"), "made up", table, (), logs=[])

    def refused(constant):
        raise AssertionError(f"{constant} is no JSON")

    (row,) = json.loads((tmp_path / "results.json").read_text(), parse_constant=refused)["rows"]
    assert row["accuracy"] == {"value": 0.5, "low": None, "high": None}
    assert row["confusion"] == [[2, 0], [2, 0]]
