import json

import numpy as np
import pytest

from engine.training.ablation.table import as_json, as_markdown, rows
from engine.training.ablation.units import Answered, Unit
from engine.training.scoring.scores import weighted_f1

LABELS = np.arange(60) % 3
DIALOGUES = np.arange(60) // 4


def unit(variant, seed, wrong, direction="causal", fold=0, part=slice(None)):
    """Says the truth except of every `wrong`th turn."""
    said = np.where(np.arange(60) % wrong == 0, (LABELS + 1) % 3, LABELS) if wrong else LABELS
    chances = np.eye(7)[said] * 0.8 + 0.2 / 7
    return Unit("meld-six", variant, direction, fold, seed, epoch=4, dev=0.5, cpu_s=2.0, chances=chances[part])


def table(*units):
    return rows(Answered("meld-six", LABELS, DIALOGUES, units))


def test_seeds_are_averaged_and_their_ensemble_is_measured():
    (row,) = table(unit("complete", 0, 2), unit("complete", 1, 0), unit("complete", 2, 0))
    single = weighted_f1(LABELS, unit("complete", 0, 2).chances.argmax(axis=1))
    assert row.seeds == pytest.approx((single, 1, 1))
    assert row.mean == pytest.approx((single + 2) / 3)
    assert row.deviation == pytest.approx(np.std([single, 1, 1], ddof=1))
    assert row.ensemble == 1
    assert (row.epoch, row.cpu_s) == (4, 6)
    assert row.over_control is row.below_complete is None


def test_folds_are_put_together_in_their_order():
    halves = [unit("complete", 0, 7, fold=fold, part=slice(30 * fold, 30 * fold + 30)) for fold in (1, 0)]
    assert table(*halves)[0].ensemble == table(unit("complete", 0, 7))[0].ensemble


def test_a_gain_that_every_dialogue_shows_is_claimed():
    complete, without, control = table(unit("complete", 0, 0), unit("no_ilm", 0, 5), unit("single_turn", 0, 2))
    assert complete.over_control.low > 0.3
    assert without.over_control.value == pytest.approx(without.ensemble - control.ensemble)
    assert without.below_complete.value == pytest.approx(1 - without.ensemble)
    assert control.over_control is None
    text = as_markdown([complete, without, control])
    assert "causal: context helps" in text
    assert "| no ilm |" in text


def test_of_one_dialogue_there_is_no_interval_and_the_file_is_json_all_the_same():
    units = (unit("complete", 0, 0), unit("single_turn", 0, 2))
    made = rows(Answered("meld-six", LABELS, np.zeros(60, dtype=np.int64), units))

    def refused(constant):
        raise AssertionError(f"{constant} is no JSON")

    first, second = json.loads(as_json(made), parse_constant=refused)["rows"]
    assert first["over_control"] == {"value": pytest.approx(1 - made[1].ensemble), "low": None, "high": None}
    assert (second["over_control"], first["seeds"]) == (None, [1.0])


def test_no_gain_is_said_plainly():
    said = as_markdown(table(unit("complete", 0, 3), unit("single_turn", 0, 3)))
    assert "context is not shown to help: +0.000" in said


def test_directions_stand_side_by_side():
    both = [unit("complete", 0, wrong, direction) for direction, wrong in (("causal", 3), ("bidirectional", 0))]
    line = next(line for line in as_markdown(table(*both)).splitlines() if line.startswith("| complete |"))
    assert line.split("|")[6].strip().startswith("1.000")
    assert "were not both run" in as_markdown(table(*both))


def test_json_names_the_schedule():
    said = json.loads(as_json(table(unit("complete", 0, 3), unit("single_turn", 0, 2))))
    assert {"width", "learning_rate", "epochs"} <= set(said["schedule"])
    assert said["rows"][0]["over_control"]["low"] <= said["rows"][0]["over_control"]["value"]
