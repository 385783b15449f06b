import json

import numpy as np
import pytest

from engine.training.measured.table import as_text, line, write

LABELS = np.array([0, 0, 1, 1, 2, 0, 1, 2])
DIALOGUES = np.array([0, 0, 0, 1, 1, 2, 2, 3])


def saying(predicted, sure=0.9):
    chances = np.full((len(predicted), 7), (1 - sure) / 6)
    chances[np.arange(len(predicted)), predicted] = sure
    return chances


def test_who_is_always_right_is_right_in_every_draw():
    right = line("right", LABELS, saying(LABELS), DIALOGUES)
    assert (right.interval.low, right.scores.weighted_f1, right.interval.high) == pytest.approx((1, 1, 1))
    assert (right.ece.low, right.ece.value, right.ece.high) == pytest.approx((0.1, 0.1, 0.1))
    assert right.majority == pytest.approx(3 / 8 * 6 / 11)


def test_an_interval_is_drawn_by_dialogue_and_the_same_each_time():
    predicted = np.where(DIALOGUES == 1, 0, LABELS)
    once, again = (line("some", LABELS, saying(predicted), DIALOGUES) for _ in range(2))
    assert once == again
    assert once.interval.low < once.scores.weighted_f1 <= once.interval.high
    assert once.interval.value == pytest.approx(once.scores.weighted_f1)


def test_the_calibration_error_is_drawn_by_dialogue_and_stands_in_the_table():
    predicted = np.where(DIALOGUES == 1, 0, LABELS)
    one = line("some", LABELS, saying(predicted, sure=0.7), DIALOGUES)
    assert one.ece.value == pytest.approx(one.scores.ece)
    assert one.ece.low < one.ece.high
    said = one.as_json()
    assert (said["ece_low"], said["ece_high"]) == (one.ece.low, one.ece.high)
    assert f"{one.ece.value:.3f}  {one.ece.low:.3f} to {one.ece.high:.3f}" in as_text([one])


def test_a_line_of_confidence_gives_what_is_answered_and_what_is_wrong_of_it():
    chances = np.concatenate([saying(LABELS[:4]), saying([1, 1, 2, 2], sure=0.6)])
    told = line("some", LABELS, chances, DIALOGUES, abstain_below=0.5).as_json()
    assert (told["answered"], told["risk"]) == (1, pytest.approx(3 / 8))
    told = line("some", LABELS, chances, DIALOGUES, abstain_below=0.7).as_json()
    assert (told["answered"], told["risk"]) == (0.5, 0)
    told = line("some", LABELS, chances, DIALOGUES, abstain_below=0.95).as_json()
    assert (told["answered"], told["risk"]) == (0, None)
    assert "answered" not in line("some", LABELS, chances, DIALOGUES).as_json()


def test_history_that_changes_nothing_adds_nothing():
    predicted = np.zeros_like(LABELS)
    same = line("same", LABELS, saying(predicted), DIALOGUES, without_history=saying(predicted))
    assert (same.gain.low, same.gain.value, same.gain.high) == (0, 0, 0)
    better = line("better", LABELS, saying(LABELS), DIALOGUES, without_history=saying(predicted))
    assert better.gain.excludes_zero
    assert better.gain.value == pytest.approx(1 - better.majority)


def test_what_withholding_costs_is_below_nothing_and_told():
    predicted = np.zeros_like(LABELS)
    cost = line("one withheld", LABELS, saying(predicted), DIALOGUES, everybody=saying(LABELS))
    assert cost.against_everybody.high < 0
    assert cost.as_json()["gain_of_withholding"]["value"] == pytest.approx(cost.majority - 1)
    assert "one withheld: -0." in as_text([cost])
    assert "everybody heard" in as_text([cost])


def test_a_table_is_read_saved_and_parsed(tmp_path):
    lines = [
        line("first", LABELS, saying(LABELS), DIALOGUES, without_history=saying(LABELS)),
        line("second, longer", LABELS, saying(np.zeros_like(LABELS)), DIALOGUES),
    ]
    text = as_text(lines)
    head, first, second = text.splitlines()[:3]
    assert len(head) == len(first) == len(second)
    assert "first: history adds 0.000 [0.000, 0.000]" in text
    write(tmp_path / "table.txt", lines)
    assert (tmp_path / "table.txt").read_text() == text
    write(tmp_path / "table.json", lines)
    saved = json.loads((tmp_path / "table.json").read_text())
    assert [one["condition"] for one in saved] == ["first", "second, longer"]
    assert {"weighted_f1", "macro_f1", "accuracy", "uar", "ece", "weighted_f1_low", "majority_weighted_f1"} <= set(
        saved[1]
    )
    assert saved[0]["gain_of_history"]["value"] == 0


def test_a_single_dialogue_has_figures_and_no_interval(tmp_path):
    one = line("alone", LABELS, saying(LABELS), np.zeros_like(LABELS), without_history=saying(np.zeros_like(LABELS)))
    text = as_text([one])
    head, row = text.splitlines()[:2]
    assert len(head) == len(row)
    assert "nan" not in text
    assert "(of one group: no interval)" in text
    write(tmp_path / "table.json", [one])

    def refused(constant):
        raise AssertionError(f"{constant} is no JSON")

    (saved,) = json.loads((tmp_path / "table.json").read_text(), parse_constant=refused)
    assert saved["weighted_f1_low"] is None
    assert saved["gain_of_history"]["high"] is None
