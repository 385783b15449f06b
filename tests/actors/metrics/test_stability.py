"""The index of live turns: told of many, against the checkpoint's own training, and of no one turn."""

import logging

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.metrics.drift import LabelDrift
from actors.metrics.exporter import Exporter
from actors.metrics.stability import LEAST_TURNS, STEP_TURNS, Stability
from engine.drift.bins import Bins, tally
from engine.drift.figures import named
from engine.drift.reference import Reference
from engine.drift.stability import stability_index
from engine.errors import CheckpointError
from engine.metrics import Figures, Reading

RNG = np.random.default_rng(0)
BINS = Bins.learn(RNG.normal(size=(1000, 8)))
REFERENCE = Reference(model_id="m", source="", labels={"joy": 30, "anger": 10}, features={"audio": BINS})


def counting(figures: Figures, turns: np.ndarray, *, label: str = "joy") -> Reading:
    """A worker's figures after these turns."""
    for places in BINS.place(turns).tolist():
        figures.count(f"labels:{label}")
        for name in named("audio", places):
            figures.count(name)
    return figures.read()


def test_nothing_is_told_of_few_turns_nor_anew_before_there_are_many_more():
    stability, figures = Stability(REFERENCE, turns=500), Figures()
    stability.update({"w": counting(figures, RNG.normal(size=(LEAST_TURNS - 1, 8)))})
    assert stability.values == {}
    stability.update({"w": counting(figures, RNG.normal(size=(STEP_TURNS, 8)))})
    told = stability.values
    assert set(told) == {"audio", "labels"}
    for _ in range(STEP_TURNS - 1):
        stability.update({"w": counting(figures, RNG.normal(5, 1, size=(1, 8)))})
    assert stability.values == told
    stability.update({"w": counting(figures, RNG.normal(5, 1, size=(1, 8)))})
    assert stability.values["audio"] > told["audio"]


def test_it_is_the_index_of_the_turns_of_all_workers_one_of_them_started_anew():
    parts = [RNG.normal(1, 1, size=(150, 8)) for _ in range(3)]
    stability = Stability(REFERENCE, turns=10**9)
    stability.update({"a": counting(Figures(), parts[0]), "b": counting(Figures(), parts[1])})
    stability.update({"a": counting(Figures(), parts[2], label="fear"), "b": Reading()})
    found = tally(BINS.place(np.concatenate(parts)), 10)
    assert stability.values["audio"] == pytest.approx(stability_index(BINS.counts, found), rel=1e-3)
    labels = np.array([[0.0, 300, 0, 0, 0, 0, 150]])
    assert stability.values["labels"] == pytest.approx(
        stability_index(np.array([[0.0, 30, 0, 10, 0, 0, 0]]), labels), rel=1e-3
    )


def test_drift_is_seen_and_forgotten_again():
    stability, figures = Stability(REFERENCE, turns=300), Figures()
    steps = []
    for mean in (0, 2, 0):
        for _ in range(20):
            stability.update({"w": counting(figures, RNG.normal(mean, 1, size=(100, 8)))})
        steps.append(stability.values["audio"])
    assert steps[0] < 0.1
    assert steps[1] > 0.5
    assert steps[2] < 0.1


def test_a_checkpoint_without_a_reference_has_no_index_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert Stability.of(tmp_path, model_id="m", turns=500) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "has no drift.json" in caplog.text
    REFERENCE.write(tmp_path)
    assert Stability.of(tmp_path, model_id="m", turns=500) is not None
    with pytest.raises(CheckpointError):
        Stability.of(tmp_path, model_id="another", turns=500)


def test_the_page_has_an_index_of_each_and_no_count_by_bin():
    stability = Stability(REFERENCE, turns=500)
    reading = counting(Figures(), RNG.normal(size=(LEAST_TURNS, 8)))
    page = Exporter(
        readings=lambda: {"w": reading},
        lag=dict,
        open_dialogues=lambda: 0,
        drift=LabelDrift(expected={}, turns=500),
        stability=stability,
        workers=1,
        model_id="m",
    ).exposition()
    found = {
        sample.labels["of"]: sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == "turntone_training_psi"
    }
    assert found == stability.values
    assert set(found) == {"audio", "labels"}
    assert b"features" not in page
