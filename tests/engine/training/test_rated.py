"""A recipe whose fusion says valence and arousal, from people's ratings to the event."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from actors.cli import main
from engine import artifact, parts
from engine.errors import ConfigurationError
from engine.fusion.affect import WithAffect
from engine.models import load_models
from engine.signals import StepRequest, Utterance
from engine.training import train as training
from engine.training.corpora import emodb
from engine.training.measured.evaluate import evaluate
from engine.training.recipe import load
from engine.training.train import train
from schemas.labels import CIRCUMPLEX, EMOTIONS
from simulators.samples import CALL

REVISION = """[revision]
turns = 1
epochs = 1
batch = 2
learning_rate = 1e-2
weight_decay = 1e-3
label_smoothing = 0.0
dropout = 0.1
[calibration]
"""
MANIFEST = """dialogue_id,utterance_id,speaker,media,start_s,end_s,emotion,valence,arousal
d,1,A,one.flac,,,joy,0.8,0.5
d,2,B,one.flac,0.1,0.3,anger,-0.6,0.9
e,1,A,one.flac,0.0,0.2,sadness,-0.5,
"""


def make(path, corpora, out, stages):
    return train(load(path), out, data=corpora.folder, progress=lambda *_: None, stages=stages)


@pytest.fixture(scope="module")
def made(shared_corpora, tmp_path_factory):
    """Checkpoints by name: EmoDB's voices are rated but for `unrated`; `regression` learns it and looks again."""
    folder = tmp_path_factory.mktemp("runs")
    read = emodb.read_training

    def rated(*args, **kwargs):
        return [
            replace(voice, valence=CIRCUMPLEX[EMOTIONS[voice.label]][0] / 2, arousal=0.1 * voice.label)
            for voice in read(*args, **kwargs)
        ]

    recipe = folder / "regression.toml"
    text = shared_corpora.recipe.read_text().replace("[fusion]\n", "[fusion]\naffect = true\n")
    recipe.write_text(text.replace("[calibration]\n", REVISION))
    unrated = make(shared_corpora.recipe, shared_corpora, folder / "unrated", folder / "stages")
    with pytest.raises(
        ConfigurationError, match=r"rated valence and arousal of 0 turns .* takes 20; leave \[fusion\] affect out"
    ):
        make(recipe, shared_corpora, folder / "nobody", folder / "stages")
    with pytest.MonkeyPatch.context() as patch:
        # The small corpus has no more than six German voices.
        patch.setattr(training, "FEWEST_TO_LEARN", 6)
        patch.setattr(emodb, "read_training", rated)
        # Not the stages of the others, which are named by what a recipe says.
        circumplex = make(shared_corpora.recipe, shared_corpora, folder / "circumplex", folder / "stages of rated")
        regression = make(recipe, shared_corpora, folder / "regression", folder / "stages of rated")
    return {"unrated": unrated, "circumplex": circumplex, "regression": regression}


def heard():
    random = np.random.default_rng(0)
    return tuple(
        Utterance("ab"[number % 2], random.normal(0, 0.1, 6000 + 500 * number).astype(np.float32), None, number)
        for number in range(4)
    )


def test_ratings_change_nothing_where_nobody_asks_for_them(made):
    rated, unrated = (artifact.read(made[name]) for name in ("circumplex", "unrated"))
    assert rated.model_id == unrated.model_id
    assert (rated.folder / "model.safetensors").read_bytes() == (unrated.folder / "model.safetensors").read_bytes()
    assert rated.config["affect"] == {"source": "circumplex"}
    (outcome,) = load_models(rated, explain=True, device="cpu").infer([StepRequest({}, heard())])
    for estimate in outcome.estimates:
        expected = sum(np.multiply(CIRCUMPLEX[e], p) for e, p in zip(EMOTIONS, estimate.distribution, strict=True))
        np.testing.assert_allclose((estimate.valence, estimate.arousal), expected, atol=1e-6)
        assert estimate.affect_source == "circumplex"


@pytest.mark.parametrize("explain", [True, False])
def test_what_was_learned_is_what_is_said_at_once_and_again(made, explain):
    read = artifact.read(made["regression"])
    assert read.config["affect"] == {"source": "regression"}
    assert "valence and arousal by regression, from the utterance alone" in (read.folder / "README.md").read_text()
    models, turns = load_models(read, explain=explain, device="cpu"), heard()
    tensors, said, again = {}, {}, {}
    for turn in turns:
        (outcome,) = models.infer([StepRequest(tensors, (turn,), ended=turn is turns[-1])])
        tensors = outcome.tensors
        (said[turn.number],) = outcome.estimates
        again |= {revised.number: revised for revised in outcome.revised}
    assert set(again) == {0, 1, 2}
    assert {one.affect_source for one in (*said.values(), *again.values())} == {"regression"}
    for number, revised in again.items():
        assert (revised.valence, revised.arousal) == pytest.approx((said[number].valence, said[number].arousal))
    assert len({one.valence for one in said.values()}) == len(turns)
    assert all(-1 <= value <= 1 for one in said.values() for value in (one.valence, one.arousal))


def test_affect_is_the_utterances_own_whatever_came_before(made):
    models, turns = load_models(artifact.read(made["regression"]), explain=False, device="cpu"), heard()
    (together,) = models.infer([StepRequest({}, turns)])
    alone = [models.infer([StepRequest({}, (turn,))])[0].estimates[0] for turn in turns]
    for one, other in zip(together.estimates, alone, strict=True):
        assert (one.valence, one.arousal) == pytest.approx((other.valence, other.arousal), abs=1e-5)
    assert not np.allclose(together.estimates[-1].distribution, alone[-1].distribution, atol=1e-5)


def test_the_weights_say_it_through_a_head_of_their_own(made):
    loaded = parts.load(artifact.read(made["regression"]))
    assert isinstance(loaded.fusion, WithAffect)
    tensors = artifact.read(made["regression"]).part("fusion")
    u = torch.randn(3, loaded.fusion.width)
    expected = torch.tanh(u @ tensors["affect_head.weight"].T + tensors["affect_head.bias"])
    torch.testing.assert_close(loaded.fusion.felt(u), expected)


def test_a_rated_corpus_measures_the_regression_and_the_map(made, shared_corpora, tmp_path):
    (tmp_path / "one.flac").write_bytes((shared_corpora.manifest.with_name("one.flac")).read_bytes())
    manifest = tmp_path / "rated.csv"
    manifest.write_text(MANIFEST)
    (learned,) = evaluate(str(made["regression"]), str(manifest), data=shared_corpora.folder)
    (mapped,) = evaluate(str(made["circumplex"]), str(manifest), data=shared_corpora.folder)
    valence, arousal = learned.causal.affect
    assert (valence.rated, arousal.rated) == (3, 2)
    assert learned.causal.as_json()["ccc_valence"] == valence.regression.value
    assert valence.gain.value == pytest.approx(valence.regression.value - valence.circumplex.value)
    assert [one.regression for one in mapped.causal.affect] == [None, None]
    assert mapped.causal.as_json()["ccc_valence"] == mapped.causal.affect[0].circumplex.value
    (plain,) = evaluate(str(made["regression"]), str(shared_corpora.manifest), data=shared_corpora.folder)
    assert plain.causal.affect == ()


def test_an_event_says_where_its_values_come_from(made, tmp_path, capsys):
    header, *lines = (CALL / "manifest.csv").read_text().splitlines()
    for line in lines[:4]:
        (tmp_path / line.split(",")[3]).symlink_to((CALL / line.split(",")[3]).resolve())
    (tmp_path / "manifest.csv").write_text("\n".join([header, *lines[:4]]) + "\n")
    for source in ("regression", "circumplex"):
        assert main(["analyze", str(tmp_path), "--checkpoint", str(made[source]), "--json"]) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        heard = [event for event in events if event["distribution"] is not None]
        assert heard
        assert {event["affect_source"] for event in heard} == {source}
        assert {event["affect_source"] for event in events if event["abstained"] == "withheld"} <= {None}
    assert main(["model", "show", str(made["regression"])]) == 0
    assert "affect" in capsys.readouterr().out
