"""What each option adds: what is left out, what is measured, and what an interruption costs."""

import numpy as np
import pytest

from engine.training.effects import said
from engine.training.effects.dialogues import LEFT_OUT as OF_DIALOGUES
from engine.training.effects.report import as_json, as_markdown, effects
from engine.training.effects.run import WITH_ALL, run
from engine.training.effects.said import Said
from engine.training.effects.voices import LEFT_OUT as OF_VOICES
from engine.training.recipe import FOLDER, load
from engine.training.voices.recipe import load as load_voices

LABELS = np.array([0, 1] * 40)
GROUPS = np.arange(80).astype(str)


def right(share):
    """Probabilities that are right on the first `share` of the items."""
    hits = np.arange(80) < 80 * share
    return np.eye(2)[np.where(hits, LABELS, 1 - LABELS)]


class Stage:
    """Knows what it says without each option."""

    name = "stage"
    options = ("good", "idle")
    measure = "accuracy"

    def __init__(self):
        self.asked = []

    def say(self, without, _folder):
        self.asked.append(without)
        return {"clean": Said(LABELS, right(0.5 if without == "good" else 0.9), GROUPS)}


def silent(*_):
    """Nobody looks."""


def test_what_an_option_adds_is_what_is_lost_without_it(tmp_path):
    rows = effects(run(Stage(), tmp_path, progress=silent), measure="accuracy")
    assert [(row.option, round(row.gain.value, 3)) for row in rows] == [("good", 0.4), ("idle", 0.0)]
    assert rows[0].gain.low > 0
    assert rows[0].without_it == pytest.approx(0.5)
    text = as_markdown("stage", rows, measure="accuracy")
    assert "| nothing | 0.900 |" in text
    assert text.count("**") == 2
    assert as_json("stage", rows, measure="accuracy")["rows"][0]["option"] == "good"


def test_what_was_trained_is_not_trained_again(tmp_path):
    first, second = Stage(), Stage()
    found = run(first, tmp_path, progress=silent)
    again = run(second, tmp_path, progress=silent)
    assert first.asked == [None, "good", "idle"]
    assert second.asked == []
    np.testing.assert_array_equal(found["good"]["clean"].chances, again["good"]["clean"].chances)
    assert list(found) == [WITH_ALL, "good", "idle"]


def test_conditions_with_any_name_come_back(tmp_path):
    given = {"a, b / c": Said(LABELS, right(1), GROUPS), "d": Said(LABELS[:2], right(1)[:2], GROUPS[:2])}
    said.write(tmp_path / "deep" / "said.npz", given)
    back = said.read(tmp_path / "deep" / "said.npz")
    assert list(back) == list(given)
    np.testing.assert_array_equal(back["a, b / c"].groups, GROUPS)


def test_every_option_is_a_number_that_the_shipped_recipes_set():
    voices, whole = load_voices(FOLDER / "voice.toml"), load(FOLDER / "default.toml")
    of_voices = voices.augmentation.model_dump() | voices.training.model_dump()
    for left_out, numbers in (
        (OF_VOICES, of_voices),
        (OF_DIALOGUES, whole.dialogue_training.model_dump()),
    ):
        for option, zero in left_out.items():
            assert all(numbers[name] != value for name, value in zero.items()), option
