import numpy as np

from engine.training.corpora.base import Turn
from engine.training.measured.withheld import without_each


def dialogue(speakers):
    return tuple(Turn(speaker=name, label=at % 7, voice=f"{name}{at}", face=None) for at, name in enumerate(speakers))


def test_each_party_is_left_out_in_its_turn():
    dialogues = [dialogue("abab"), dialogue("aaa"), dialogue("abca")]
    left, places = without_each(dialogues)
    assert ["".join(turn.speaker for turn in one) for one in left] == ["bb", "aa", "bc", "aca", "aba"]
    every = [turn for one in dialogues for turn in one]
    assert [turn for one in left for turn in one] == [every[place] for place in places]
    assert places.tolist() == [1, 3, 0, 2, 8, 9, 7, 9, 10, 7, 8, 10]


def test_nobody_can_be_left_out_of_a_monologue():
    left, places = without_each([dialogue("aaa"), dialogue("b")])
    assert left == []
    assert places.dtype == np.int64
    assert len(places) == 0
