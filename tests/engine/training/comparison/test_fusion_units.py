"""One unit of the comparison from end to end, and what its measures are made of."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.training.comparison import scripted
from engine.training.comparison.contenders import LINEAR, MODELS, build, numbers
from engine.training.comparison.cost import cost
from engine.training.comparison.fit import Schedule, fit
from engine.training.comparison.robustness import replaced
from engine.training.comparison.synthetic import both_needed
from engine.training.comparison.task import Tokens
from engine.training.comparison.unit import Unit, majority, run

QUICK = Schedule(epochs=1, batch=8, missing=0.3)
LEARNED = Schedule(epochs=15, batch=8, learning_rate=3e-3)


@pytest.fixture
def media(small_corpora):
    return scripted.clean(small_corpora.folder)


def test_raw_media_become_tokens_of_both_modalities(media):
    fold = media.folds[0]
    assert len(fold.train) == len(fold.dev) == len(fold.test) == 24
    assert media.audio.values.shape[2] == 64
    assert media.audio.mask.any(dim=1).all()
    assert (media.video.mask.sum(dim=1) == 9).all()
    parts = [set(media.groups[rows]) for rows in (fold.train, fold.dev, fold.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]


def test_a_unit_from_raw_media_says_all_its_table_needs(media):
    result = run(Unit("scripted", "ca+dca", 0), media, schedule=QUICK, masked=True)
    assert set(result["scores"]) == {"both", "audio", "video"}
    assert all(0 <= score <= 1 for score in result["scores"].values())
    assert {side: len(scores) for side, scores in result["masking"].items()} == {"audio": 10, "video": 10}
    assert result["masking"]["audio"][0] == result["masking"]["video"][0]
    assert 0 < result["majority"] < 1
    assert json.loads(json.dumps(result)) == result


def test_a_corrupted_utterance_lost_one_modality_to_noise(media):
    task = scripted.corrupted(media)
    audio_same = (task.audio.values == media.audio.values).all(dim=(1, 2)).numpy()
    video_same = (task.video.values == media.video.values).all(dim=(1, 2)).numpy()
    assert np.array_equal(audio_same, task.conditions != "audio noise")
    assert np.array_equal(video_same, task.conditions != "video noise")
    result = run(Unit("scripted-corrupted", "jca+dca", 0), task, schedule=QUICK, masked=False)
    assert set(result["gates"]) == set(scripted.CONDITIONS)
    assert set(result["gates"]["clean"]) == {"audio_attended", "video_attended"}
    assert set(result["conditions"]) == set(scripted.CONDITIONS)


def test_the_same_seed_gives_the_same_figures():
    task = both_needed(utterances=90)
    runs = [run(Unit("both-needed", "tca", 3), task, schedule=QUICK, masked=False) for _ in range(2)]
    assert [one.pop("seconds") >= 0 for one in runs] == [True, True]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns_numbers_from_a_voice_alone(model):
    draw = np.random.default_rng(0)
    heard = torch.from_numpy(draw.normal(size=(60, 1, 3))).float()
    task = replace(
        both_needed(utterances=60),
        audio=Tokens(heard, torch.ones(60, 1, dtype=torch.bool)),
        video=Tokens(torch.zeros(60, 1, 1), torch.zeros(60, 1, dtype=torch.bool)),
        target=heard[:, 0, :2].tanh(),
        metric="ccc",
    )
    result = run(Unit("quechua", model, 0), task, schedule=LEARNED, masked=False)
    assert set(result["scores"]) == {"both"}
    assert result["majority"] is None
    assert result["scores"]["both"] == pytest.approx(np.mean(result["ratings"]), abs=1e-6)
    assert result["scores"]["both"] > 0.3


def test_as_many_values_are_replaced_as_asked_for_and_others_stay():
    tokens = Tokens(torch.ones(100, 3, 10), torch.ones(100, 3, dtype=torch.bool))
    rows = np.arange(50)
    scale = torch.full((10,), 5.0), torch.full((10,), 0.1)
    found = replaced(tokens, rows, 0.3, scale, torch.Generator().manual_seed(0)).values
    assert (found[50:] == 1).all()
    changed = found[:50][found[:50] != 1]
    assert len(changed) / 1500 == pytest.approx(0.3, abs=0.04)
    assert changed.mean() == pytest.approx(5.0, abs=0.05)
    assert (tokens.values == 1).all()


def test_a_modality_is_taken_in_training_only_where_the_other_is_there(monkeypatch):
    task = both_needed(utterances=90)
    seen = []
    fitted = type(build("ca", numbers("ca", task), task))
    fuse = fitted.fuse

    def watched(self, audio, audio_mask, video, video_mask):
        if self.training:
            seen.append((audio_mask.any(dim=1), video_mask.any(dim=1)))
        return fuse(self, audio, audio_mask, video, video_mask)

    monkeypatch.setattr(fitted, "fuse", watched)
    fit("ca", numbers("ca", task), task, task.folds[0], schedule=replace(QUICK, epochs=4), seed=0)
    heard, shown = (torch.cat(side) for side in zip(*seen, strict=True))
    assert (heard | shown).all()
    assert 0.15 < (~heard).float().mean() < 0.45
    assert 0.15 < (~shown).float().mean() < 0.45


def test_the_majority_is_that_of_the_training_part():
    task = both_needed(utterances=90)
    fold = task.folds[0]
    most = int(task.target[fold.train].bincount().argmax())
    assert majority(task) == pytest.approx(float((task.target[fold.test] == most).double().mean()))


def test_costs_grow_with_the_model():
    task = both_needed(utterances=90)
    plain, fused = cost(LINEAR, task), cost("tca", task)
    assert plain["macs"] == 2 * 4 * 2
    assert plain["parameters"] == 8 * 2 + 2
    assert fused["macs"] > 100 * plain["macs"]
    assert set(fused["ms"]) == {"1", "8", "64"}
    assert all(spent > 0 for spent in fused["ms"].values())
