"""Agreement with ratings by hand, and a fusion that learns them beside its classes."""

import json
from itertools import chain

import numpy as np
import pytest
import torch

from engine.decision import UtteranceAlone, decision
from engine.fusion.builders import fusion
from engine.training.corpora.base import Turn, ratings
from engine.training.fitting.fit import Following
from engine.training.learned.dialogues import predict, predict_affect, train_dialogues
from engine.training.material.batches import Assembler
from engine.training.material.tokens import TokenBank
from engine.training.measured.table import as_text, line
from engine.training.recipe import DialogueTraining
from engine.training.scoring.affect import agreements, rated
from schemas.labels import CIRCUMPLEX, EMOTIONS

WIDTH = 4
LEARN, HELD = range(96), range(96, 144)
SCHEDULE = DialogueTraining(
    epochs=25, batch=8, learning_rate=2e-2, weight_decay=1e-3, label_smoothing=0.0, versions=1, acted_turns=1,
    acted_copies=1, token_noise=0.0, audio_missing=0.0, video_missing=0.0, one_modality=0.0, participant_missing=0.0,
)  # fmt: skip


def turn(number, valence=None, arousal=None):
    name = f"v{number}"
    return Turn(speaker="ab"[number % 2], label=number % 2, voice=name, face=None, valence=valence, arousal=arousal)


def certain(labels):
    return np.eye(len(EMOTIONS))[labels]


def test_the_map_is_measured_by_lins_formula_on_the_turns_that_are_rated():
    rated = np.array([[0.8, np.nan], [0.2, np.nan], [-0.4, 0.1], [np.nan, np.nan]])
    labels = np.array([EMOTIONS.index(one) for one in ("joy", "surprise", "sadness", "anger")])
    (found,) = agreements(rated, certain(labels), np.arange(4), regression=None)
    assert (found.of, found.rated, found.regression, found.gain) == ("valence", 3, None, None)
    true, said = rated[:3, 0], np.array([CIRCUMPLEX[EMOTIONS[label]][0] for label in labels[:3]])
    apart = (true.mean() - said.mean()) ** 2
    expected = 2 * np.cov(true, said, bias=True)[0, 1] / (true.var() + said.var() + apart)
    assert found.circumplex.value == pytest.approx(expected)


def test_a_regression_stands_beside_the_map_and_its_gain_is_paired():
    rng = np.random.default_rng(0)
    rated = rng.uniform(-1, 1, (40, 2))
    chances = certain(rng.integers(0, 7, 40))
    valence, arousal = agreements(rated, chances, np.arange(40) // 4, regression=rated)
    for found in (valence, arousal):
        assert found.regression.low == pytest.approx(1)
        assert found.gain.value == pytest.approx(1 - found.circumplex.value)
        assert found.gain.excludes_zero
    told = line("some", rng.integers(0, 7, 40), chances, np.arange(40) // 4, affect=(valence, arousal))
    said = json.loads(json.dumps(told.as_json()))
    assert said["ccc_valence"] == pytest.approx(1)
    assert said["ccc_arousal_low"] == pytest.approx(1)
    assert said["circumplex_ccc_arousal"]["value"] == arousal.circumplex.value
    assert said["gain_of_regression_valence"]["low"] > 0
    assert said["rated_valence"] == 40
    assert "some: valence of 40 turns, CCC 1.000 [1.000, 1.000] by regression, CCC " in as_text([told])


def test_what_says_one_value_agrees_with_nothing():
    rated = np.tile([0.5, -0.5], (3, 1))
    for found in agreements(rated, certain(np.zeros(3, int)), np.zeros(3, int), regression=rated):
        assert (found.circumplex.value, found.regression.value) == (0, 0)


def test_of_ratings_that_are_not_there_nothing_is_said():
    assert agreements(np.full((3, 2), np.nan), certain([0, 1, 2]), np.arange(3), regression=None) == ()
    assert "ccc_valence" not in line("plain", np.array([0, 1]), certain([0, 1]), np.arange(2)).as_json()
    halves = (turn(0, valence=0.1), turn(1, arousal=0.1), turn(2, 0.1, 0.2))
    assert rated([halves]) == 1
    assert rated([halves, (turn(3, 0.3, 0.4),), halves]) == 2
    np.testing.assert_array_equal(ratings([halves])[:, 0], [0.1, np.nan, 0.1])
    assert ratings([]).shape == (0, 2)


@pytest.fixture
def material():
    """Dialogues of two turns whose voices say what they are rated; one in three has no rating."""
    random = np.random.default_rng(1)
    voices = torch.from_numpy(random.normal(size=(len(LEARN) + len(HELD), 1, WIDTH))).float()
    voices[:, 0, 0] += 3.0 * (torch.arange(len(voices)) % 2)
    felt = torch.tanh(voices[:, 0, 1:3]).tolist()
    turns = [turn(n, *(felt[n] if n % 3 or n in HELD else ())) for n in range(len(voices))]
    bank = TokenBank(voices={f"v{n}": one[None] for n, one in enumerate(voices)}, faces={})
    using = Assembler(bank=bank, audio_width=WIDTH, video_width=WIDTH)
    return list(zip(turns[::2], turns[1::2], strict=True)), using


@pytest.mark.parametrize("name", ["avafn", "none"])
def test_affect_is_learned_beside_the_classes_and_beats_the_map(material, tmp_path, name):
    dialogues, using = material
    torch.manual_seed(0)
    model = fusion("avafn", audio_width=WIDTH, video_width=WIDTH, width=16, affect=True)
    deciding = UtteranceAlone() if name == "none" else decision({"width": 16, "dropout": 0.0})
    learn, held = dialogues[: len(LEARN) // 2], dialogues[len(LEARN) // 2 :]
    following = Following(lambda *_: None, tmp_path / "dialogues.state")
    train_dialogues(model, deciding, learn, using, schedule=SCHEDULE, seed=0, following=following)
    _, logits, labels = predict(model, deciding, held, using)
    assert (logits.argmax(axis=1) == labels).mean() > 0.8
    chances = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    said = predict_affect(model, held, using)
    assert np.abs(said).max() <= 1
    places = np.arange(len(held)).repeat(2)
    for found in agreements(ratings(held), chances, places, regression=said):
        assert found.rated == len(HELD)
        assert found.regression.value > 0.7
        assert found.gain.low > 0


def test_a_batch_carries_the_ratings_and_a_fusion_without_affect_says_none(material):
    dialogues, using = material
    batch = using.plain(dialogues[:3])
    np.testing.assert_allclose(batch.affect, ratings(dialogues[:3]), atol=1e-7)
    assert batch.affect.isnan().any(dim=1).tolist() == [one.valence is None for one in chain(*dialogues[:3])]
    plain = fusion("avafn", audio_width=WIDTH, video_width=WIDTH, width=16)
    assert predict_affect(plain, dialogues[:3], using) is None
