"""What makes a rule fire, and what does not."""

import pytest

from engine.alerts.rule import PRESETS, Rule
from engine.alerts.state import AlertState
from engine.alerts.watch import watch
from tests.engine.alerts.heard import turn


def fired(rules, turns, state=None):
    """Rule and turn of every alert, and the turns of its evidence."""
    state, told = state or AlertState(), []
    for event in turns:
        state, found = watch(rules, state, event)
        told += [(one.rule.name, event.turn, [each.turn for each in one.evidence]) for one in found]
    return told


def talk(*labels, **changes):
    return [turn(number, label, **changes) for number, label in enumerate(labels)]


ANGRY = Rule(name="angry", labels=("anger",), turns=3, within=3, cooldown=2)


def test_three_in_a_row_fire_and_then_rest():
    assert fired([ANGRY], talk(*["anger"] * 7)) == [("angry", 2, [0, 1, 2]), ("angry", 5, [3, 4, 5])]
    assert fired([ANGRY], talk("anger", "anger", "joy", "anger", "anger")) == []


def test_three_within_four():
    rule = Rule(name="often", labels=("anger",), turns=3, within=4)
    assert fired([rule], talk("anger", "joy", "anger", "anger")) == [("often", 3, [0, 2, 3])]
    assert fired([rule], talk("anger", "anger", "anger", "joy")) == [("often", 2, [0, 1, 2])]
    assert fired([rule], talk("anger", "joy", "joy", "anger", "anger")) == []


def test_a_rule_fires_at_a_turn_that_fulfils_it_alone():
    """A turn that does not belong to the evidence is no reason, even where the row before it was not told."""
    rule = Rule(name="often", labels=("anger",), turns=2, within=3, cooldown=1)
    assert fired([rule], talk("anger", "anger", "joy")) == [("often", 1, [0, 1])]


@pytest.mark.parametrize(
    "nothing",
    [
        turn(9, None),
        turn(9, None, distribution=turn(9, "joy").distribution, valence=0.9, abstained="low_confidence"),
        turn(None or 0, None, abstained="no_speech").model_copy(update={"turn": None}),
        turn(9, "joy", late=True),
        turn(9, "joy", revision=1),
        turn(9, "joy", speaker="bob"),
    ],
)
def test_what_is_nothing_neither_breaks_a_row_nor_continues_it(nothing):
    first, second, third = talk("anger", "anger", "anger")
    assert fired([ANGRY], [first, nothing, second, nothing]) == []
    assert fired([ANGRY], [first, nothing, second, nothing, third]) == [("angry", 2, [0, 1, 2])]


def test_what_is_nothing_shortens_no_rest():
    angry, nothing = talk(*["anger"] * 6), turn(9, None)
    once = [*angry[:3], nothing, nothing, nothing, *angry[3:5]]
    assert len(fired([ANGRY], once)) == 1
    assert len(fired([ANGRY], [*once, angry[5]])) == 2


def test_a_probability_is_that_of_the_emotions_together():
    rule = Rule(name="upset", emotions=("anger", "fear"), probability=0.5)
    split = {"anger": 0.3, "fear": 0.25, "neutral": 0.45}
    assert fired([rule], [turn(0, "neutral", distribution=split)]) == [("upset", 0, [0])]
    assert fired([rule], [turn(0, "neutral", distribution={"anger": 0.3, "neutral": 0.7})]) == []


def test_label_and_probability_have_to_hold_both():
    rule = Rule(name="sure", labels=("anger",), emotions=("anger",), probability=0.6)
    assert fired([rule], talk("anger", p=0.7)) == [("sure", 0, [0])]
    assert fired([rule], talk("anger", p=0.5)) == []


def test_a_slope_needs_its_whole_window():
    falling = Rule(name="falling", valence_slope=-0.1, within=3)
    down = [turn(n, "neutral", valence=-0.2 * n) for n in range(4)]
    assert fired([falling], down) == [("falling", 2, [0, 1, 2])]
    assert fired([falling], [turn(n, "neutral", valence=0.2 * n) for n in range(4)]) == []
    rising = Rule(name="rising", valence_slope=0.1, within=3)
    assert fired([rising], [turn(n, "neutral", valence=0.2 * n) for n in range(3)]) == [("rising", 2, [0, 1, 2])]
    unknown = [down[0], down[1].model_copy(update={"valence": None}), down[2]]
    assert fired([falling], unknown) == []


def test_the_slope_is_told():
    (_, (one,)) = watch(
        [Rule(name="falling", valence_slope=-0.1, within=2)],
        watch([Rule(name="falling", valence_slope=-0.1, within=2)], AlertState(), turn(0, "joy", valence=0.5))[0],
        turn(1, "joy", valence=0.25),
    )
    assert one.valence_slope == pytest.approx(-0.25)


def test_a_role_that_is_not_watched_leaves_nothing():
    rule = Rule(name="angry", labels=("anger",), roles=("customer",))
    state, found = watch([rule], AlertState(), turn(0, "anger", role="visitor"))
    assert (state, found) == (AlertState(), ())
    assert fired([rule], [turn(0, "anger")]) == [("angry", 0, [0])]
    assert watch([], AlertState(), turn(0, "anger")) == (AlertState(), ())


def preset(name, *labels, **changes):
    return [number for _, number, _ in fired([PRESETS[name]], talk(*labels, **changes))]


def test_rising_anger():
    assert preset("rising-anger", "neutral", "anger", "anger") == [2]
    assert preset("rising-anger", "joy", "neutral", "disgust", "anger") == [3]
    assert preset("rising-anger", "anger", "anger", "anger", "anger") == [], "it does not rise"
    assert preset("rising-anger", "neutral", "anger", "neutral") == []
    assert preset("rising-anger", "neutral", "anger", "anger", role="performer") == []


def test_distress():
    assert preset("distress", "sadness", "fear", "sadness") == [2]
    assert preset("distress", "sadness", "neutral", "fear", "sadness") == [3]
    assert preset("distress", "sadness", "neutral", "neutral", "fear", "sadness") == []
    assert preset("distress", "anger", "anger", "anger", "anger") == []


def test_recovery():
    assert preset("recovery", "anger", "anger", "neutral", "neutral") == [3]
    assert preset("recovery", "sadness", "neutral", "joy", "joy") == [3]
    assert preset("recovery", "neutral", "neutral", "joy", "joy") == [], "there was nothing to recover from"
    assert preset("recovery", "anger", "anger", "anger", "neutral") == []
