"""The reference of a checkpoint, from turns that are too few and from enough of them."""

import shutil

import numpy as np
import pytest

from engine.artifact import find, model_id_of
from engine.drift.reference import read
from engine.training.corpora.base import NO_FACES, Turn, Voice
from engine.training.material.conditions import Material
from engine.training.written.reference import FEWEST_TURNS, write


@pytest.fixture
def checkpoint(tmp_path):
    for name in ("config.json", "model.safetensors"):
        shutil.copy(find("open") / name, tmp_path)
    return tmp_path


def learned(turns: int) -> Material:
    """Turns of five recordings of noise, every second one sad; the last has no voice."""
    rng = np.random.default_rng(0)
    voices = [
        Voice(name=str(n), speaker="a", label=0, audio=rng.normal(0, 0.1 + n / 10, 4000).astype(np.float32))
        for n in range(5)
    ]
    heard = [Turn(speaker="a", label=n % 2 * 4, voice=str(n % 5), face=None) for n in range(turns)]
    return Material({"noise": [tuple(heard), (Turn(speaker="b", label=6, voice=None, face=None),)]}, voices, NO_FACES)


def test_all_turns_count_for_the_labels_and_those_with_a_voice_for_its_features(checkpoint):
    path = write(checkpoint, learned(FEWEST_TURNS), seed=0)
    found = read(checkpoint, model_id=model_id_of(find("open")))
    assert {label: n for label, n in found.labels.items() if n} == {"neutral": 100, "sadness": 100, "fear": 1}
    assert found.source == (
        "200 turns with a voice and 0 with a face, drawn with seed 0 from the 201 turns of noise; "
        "labels of all of these"
    )
    assert set(found.features) == {"audio"}
    assert (found.features["audio"].counts.sum(axis=1) == FEWEST_TURNS).all()
    before = path.read_bytes()
    assert write(checkpoint, learned(FEWEST_TURNS), seed=0).read_bytes() == before
    assert model_id_of(checkpoint) == found.model_id


def test_of_too_few_turns_no_features_are_told(checkpoint):
    write(checkpoint, learned(FEWEST_TURNS - 1), seed=0)
    found = read(checkpoint, model_id=model_id_of(checkpoint))
    assert found.features == {}
    assert sum(found.labels.values()) == FEWEST_TURNS
