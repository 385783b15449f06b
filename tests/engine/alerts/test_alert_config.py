"""The example configuration is one, and presets are where the configuration says that they are."""

from pathlib import Path
from typing import get_args

from engine.alerts.rule import MOST_WITHIN, PRESETS, Rule
from engine.build import build_rules
from engine.config import AlertSettings, Config, read_config

EXAMPLE = Path(__file__).parents[3] / "deploy" / "config" / "alerts.toml"


def test_the_example_gives_the_rules_it_spells_out():
    *presets, angry, souring = build_rules(read_config(EXAMPLE))
    assert [rule.name for rule in presets] == ["rising-anger", "distress", "recovery"]
    assert angry == Rule(
        name="angry-customer",
        severity="critical",
        roles=["customer"],
        labels=["anger", "disgust"],
        emotions=["anger", "disgust"],
        probability=0.6,
        turns=3,
        within=4,
    )
    assert souring == Rule(
        name="souring", roles=[], labels=[], emotions=[], valence_slope=-0.1, valence_low=-0.2, within=5
    )


def test_every_preset_can_be_configured():
    named = get_args(get_args(AlertSettings.model_fields["presets"].annotation)[0])
    assert set(named) == set(PRESETS)
    assert all(rule.turns <= rule.within <= MOST_WITHIN for rule in PRESETS.values())


def test_without_a_rule_nothing_is_watched():
    assert build_rules(Config()) == ()


def test_a_rule_without_within_means_in_a_row():
    settings = AlertSettings.model_validate({"rules": [{"name": "a", "labels": ["fear"], "turns": 4}]})
    (rule,) = build_rules(Config(alerts=settings))
    assert (rule.turns, rule.within, rule.cooldown, rule.severity) == (4, 4, 10, "warning")
