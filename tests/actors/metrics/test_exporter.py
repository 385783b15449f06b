"""The page: every figure under its name, no word that is not known, and what is missing where a server is away."""

import ast
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.metrics.catalogue import COUNTS, DURATIONS, LEVELS, STAGES
from actors.metrics.drift import LabelDrift
from actors.metrics.exporter import Exporter
from engine.errors import StoreUnavailable, TransportUnavailable
from engine.metrics import Figures, Reading
from schemas.labels import EMOTIONS

ROOT = Path(__file__).parents[3]


def exporter(readings=None, *, lag=lambda: {("s", 0): 3, ("s", 1): 0}, open_dialogues=lambda: 2, **drift) -> Exporter:
    return Exporter(
        readings=lambda: readings or {},
        lag=lag,
        open_dialogues=open_dialogues,
        drift=LabelDrift(**{"expected": {}, "turns": 10, **drift}),
        workers=2,
        model_id="m",
    )


def page(one: Exporter) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(one.exposition().decode())
        for sample in family.samples
    }


def at(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"turntone_{name}", frozenset(labels.items())


def test_a_workers_figures_stand_under_its_slot():
    figures = Figures()
    figures.count("segments", 3)
    figures.count("labels:anger", 2)
    figures.count("abstained:withheld")
    figures.level("queue", 7)
    figures.observe("decode", 0.02)
    figures.observe("latency", 0.3)
    found = page(exporter({"worker-0": figures.read()}))
    assert found[at("segments_total", worker="worker-0")] == 3
    assert found[at("labels_total", worker="worker-0", label="anger")] == 2
    assert found[at("abstained_total", worker="worker-0", reason="withheld")] == 1
    assert found[at("queue", worker="worker-0")] == 7
    assert found[at("stage_seconds_count", worker="worker-0", stage="decode")] == 1
    assert found[at("stage_seconds_bucket", worker="worker-0", stage="decode", le="0.025")] == 1
    assert found[at("stage_seconds_bucket", worker="worker-0", stage="decode", le="0.01")] == 0
    assert found[at("latency_seconds_sum", worker="worker-0")] == 0.3
    assert found[at("latency_seconds_bucket", worker="worker-0", le="+Inf")] == 1


def test_a_count_begins_at_zero_so_that_its_first_step_is_seen():
    found = page(exporter({"worker-0": Reading()}))
    assert found[at("dead_letters_total", worker="worker-0")] == 0
    assert found[at("labels_total", worker="worker-0", label="fear")] == 0
    assert found[at("model_call_seconds_count", worker="worker-0")] == 0


def test_a_word_that_is_not_known_makes_no_new_series():
    reading = Reading(counts={"labels:Ann": 1, "labels:Bob": 2, "nonsense": 4})
    found = page(exporter({"worker-0": reading}))
    assert found[at("labels_total", worker="worker-0", label="other")] == 3
    text = exporter({"worker-0": reading}).exposition().decode()
    assert "Ann" not in text
    assert "nonsense" not in text


def test_a_part_that_is_no_worker_has_figures_too_and_is_not_counted_as_one():
    figures = Figures()
    figures.count("gateway_ended:slow")
    one = Exporter(
        readings=dict,
        lag=dict,
        open_dialogues=lambda: 0,
        drift=LabelDrift(expected={}, turns=10),
        also={"gateway": figures.read},
        workers=1,
        model_id="m",
    )
    found = page(one)
    assert found[at("gateway_ended_total", worker="gateway", reason="slow")] == 1
    assert found[at("workers")] == 0


def test_what_broker_and_store_say():
    found = page(exporter())
    assert found[at("consumer_lag", partition="0")] == 3
    assert found[at("open_dialogues")] == 2
    assert found[at("up", part="broker")] == found[at("up", part="store")] == 1
    assert found[at("workers")] == 0
    assert found[at("workers_wanted")] == 2
    assert found[at("model_info", model_id="m")] == 1


def test_a_server_that_is_away_is_a_figure_and_no_failure():
    def away() -> int:
        raise StoreUnavailable("away")

    def gone() -> dict:
        raise TransportUnavailable("away")

    found = page(exporter(lag=gone, open_dialogues=away))
    assert found[at("up", part="broker")] == found[at("up", part="store")] == 0
    assert at("open_dialogues") not in found
    assert not [name for name, _ in found if name == "turntone_consumer_lag"]


def emitted(verb: str) -> set[str]:
    """The names in every call `metrics.<verb>(...)` of the product, without the word of a kind."""
    names = set()
    for path in (*(ROOT / "engine").rglob("*.py"), *(ROOT / "actors").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == verb:
                of = node.func.value
                part = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
                if part.strip("_") == "metrics":
                    said = [each.value for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant)]
                    names |= {text.partition(":")[0] for text in said if isinstance(text, str)}
    return names


@pytest.mark.parametrize(
    ("verb", "known"),
    [("count", COUNTS), ("level", LEVELS), ("observe", {*DURATIONS, *STAGES})],
    ids=["counts", "levels", "durations"],
)
def test_every_figure_the_engine_emits_has_its_place(verb, known):
    names = emitted(verb)
    assert names
    assert names <= set(known)


def test_every_reason_a_stream_is_refused_for_has_its_place():
    said = set()
    for path in (ROOT / "actors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
                said.add(ast.literal_eval(node.args[1]))
    assert said == set(COUNTS["streams_refused"].words)


def labelled(**counts: int) -> Reading:
    return Reading(counts={f"labels:{label}": n for label, n in counts.items()})


def test_drift_is_the_share_of_turns_that_would_need_another_label():
    drift = LabelDrift(expected={"neutral": 3, "anger": 1}, turns=8)
    drift.update({"w": labelled(neutral=6, anger=2)})
    assert drift.value == 0
    drift.update({"w": labelled(neutral=6, anger=10)})
    assert drift.value == pytest.approx(0.75)
    assert drift.reference == "configured"


def test_without_expectation_the_first_turns_are_what_is_expected():
    drift = LabelDrift(expected={}, turns=4)
    drift.update({"w": labelled(neutral=3)})
    assert drift.value is None
    drift.update({"w": labelled(neutral=4)})
    assert drift.value is None
    drift.update({"w": labelled(neutral=4, anger=1)})
    assert drift.value == 1.0
    assert drift.reference == "first"


def test_a_worker_that_was_started_anew_adds_its_own_turns():
    drift = LabelDrift(expected=dict.fromkeys(EMOTIONS, 1), turns=4)
    drift.update({"w": labelled(neutral=40)})
    drift.update({"w": labelled(anger=4)})
    assert drift.value == pytest.approx(6 / 7)
    found = page(exporter({"w": labelled(fear=3)}, expected={"fear": 1.0}))
    assert found[at("label_drift", reference="configured")] == 0
