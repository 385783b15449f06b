"""Dashboard and alert rules: expressions that parse, and metrics and labels that the page has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from actors.metrics.catalogue import COUNTS
from actors.metrics.drift import LabelDrift
from actors.metrics.exporter import Exporter
from actors.metrics.stability import LEAST_TURNS, Stability
from engine.drift.reference import Reference
from engine.metrics import Figures

DEPLOY = Path(__file__).parents[2] / "deploy"
OF_PROMETHEUS = {"up": {"job"}}
"""What a scrape itself tells."""


def exported() -> dict[str, set[str]]:
    """Every sample of the page of a stack that has done something, with its labels."""
    figures = Figures()
    figures.count("labels:anger", LEAST_TURNS)
    exporter = Exporter(
        readings=lambda: {"worker-0": figures.read()},
        lag=lambda: {("segments", 0): 0},
        open_dialogues=lambda: 0,
        drift=LabelDrift(expected={"anger": 1.0}, turns=10),
        stability=Stability(Reference(model_id="m", source="", labels={"anger": 1}, features={}), turns=500),
        workers=1,
        model_id="m",
    )
    text = exporter.exposition().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples} | OF_PROMETHEUS


RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((DEPLOY / "grafana" / "turntone.json").read_text())["panels"]
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel.get("targets", ())
}


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics of an expression, each with the labels it is chosen by."""
    parsed = promql_parser.parse(expression.replace("$__rate_interval", "1m"))
    found = re.findall(r"(?<![\w$])([a-zA-Z_]\w*)(\{[^}]*\})?(?=[\s\[\)]|$)", parsed.prettify())
    for name, matchers in found:
        if name.startswith("turntone_") or name in OF_PROMETHEUS:
            yield name, set(re.findall(r"(\w+)\s*(?:=|!)", matchers))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_metric_and_label_that_is_asked_for_is_on_the_page(name):
    there, asked = exported(), list(selectors(EXPRESSIONS[name]))
    assert asked, EXPRESSIONS[name]
    for metric, labels in asked:
        assert metric in there
        assert labels <= there[metric]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_legend_and_a_grouping_name_labels_that_there_are(name):
    there = exported()
    labels = set().union(*(there[metric] for metric, _ in selectors(EXPRESSIONS[name])))
    grouped = re.findall(r"\b(?:by|ignoring|on)\s*\(([^)]*)\)", EXPRESSIONS[name])
    assert {label.strip() for each in grouped for label in each.split(",")} <= labels | {"le"}


def test_an_expression_that_does_not_parse_is_found():
    with pytest.raises(ValueError, match="parenthesis"):
        list(selectors("sum(rate(turntone_turns_total[5m])"))


def test_a_metric_that_nobody_exports_is_found():
    assert [name for name, _ in selectors('sum(turntone_nonsense{reason="a"}) > 0')] == ["turntone_nonsense"]
    assert "turntone_nonsense" not in exported()


def test_every_alert_says_how_bad_it_is_and_what_happened_and_stands_in_the_runbook():
    runbook = (DEPLOY / "RUNBOOK.md").read_text()
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"]
        assert f"### {rule['alert']}" in runbook


def test_the_panels_lie_beside_each_other():
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_what_an_operator_asks_is_on_the_dashboard():
    shown = {metric for expression in EXPRESSIONS.values() for metric, _ in selectors(expression)}
    elsewhere = ("ingest", "gateway", "webhook", "streams")
    counted = {f"turntone_{name}_total" for name in COUNTS if not name.startswith(elsewhere)}
    assert counted - shown == {"turntone_heartbeats_total", "turntone_offset_commits_put_off_total"}
