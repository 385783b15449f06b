"""The file beside a checkpoint, and the counts that turns add one to."""

import json

import numpy as np
import pytest
import torch

from engine.artifact import SHIPPED, find
from engine.artifact import read as read_artifact
from engine.build import build_models
from engine.config import Config, ModelSettings
from engine.drift.bins import Bins
from engine.drift.figures import counted
from engine.drift.reference import FILE, Reference, read
from engine.drift.tallies import tallies
from engine.errors import CheckpointError
from engine.signals import FACE_SIZE, Estimate, StepOutcome, StepRequest, Utterance
from tests.engine.spoken import build, incoming


@pytest.fixture
def reference() -> Reference:
    turns = np.random.default_rng(0).normal(size=(300, 4))
    return Reference(model_id="m", source="made up", labels={"joy": 3}, features={"audio": Bins.learn(turns)})


def test_what_is_written_is_read_again(reference, tmp_path):
    reference.write(tmp_path)
    found = read(tmp_path, model_id="m")
    assert (found.model_id, found.source, found.labels) == ("m", "made up", {"joy": 3})
    for name in ("centre", "directions", "edges", "counts"):
        assert np.array_equal(getattr(found.features["audio"], name), getattr(reference.features["audio"], name))
    assert read(tmp_path / "elsewhere", model_id="m") is None


def test_another_checkpoints_or_a_damaged_reference_is_refused(reference, tmp_path):
    path = reference.write(tmp_path)
    with pytest.raises(CheckpointError, match="is of checkpoint m, not of n"):
        read(tmp_path, model_id="n")
    said = json.loads(path.read_text())
    said["features"]["audio"]["edges"].pop()
    path.write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match="one measure more than there are directions"):
        read(tmp_path, model_id="m")
    path.write_text(path.read_text()[:100])
    with pytest.raises(CheckpointError, match=f"{FILE} is damaged"):
        read(tmp_path, model_id="m")


def test_a_turn_adds_one_to_a_bin_of_every_measure_and_padding_to_none(reference):
    bins = reference.features["audio"]
    tokens, mask = torch.randn(3, 5, 4), torch.tensor([[True] * 5, [False] * 5, [True, True, False, False, False]])
    told = tallies(reference, {"audio": (tokens, mask)})
    assert [len(names) for names in told] == [5, 0, 5]
    counts = counted("audio", bins, {name: 1 for name in told[2]})
    assert counts.sum(axis=1).tolist() == [1] * 5
    pooled = tokens[2, :2].mean(0, keepdim=True).double().numpy()
    assert counts.argmax(axis=1).tolist() == bins.place(pooled)[0].tolist()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_checkpoint_has_the_reference_of_its_own_encoders(name):
    artifact = read_artifact(find(name))
    reference = read(artifact.folder, model_id=artifact.model_id)
    assert set(reference.features) == ({"audio", "video"} if artifact.sees else {"audio"})
    for bins in reference.features.values():
        assert bins.counts.sum(axis=1).min() >= 1000
        assert np.ptp(bins.counts, axis=1).max() <= 0.1 * bins.counts.sum(axis=1).max()


def test_the_served_models_tell_where_their_turns_fall():
    models = build_models(Config(model=ModelSettings(checkpoint="default")))
    voice = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    face = np.full((1, FACE_SIZE, FACE_SIZE, 3), 90, np.uint8)
    both, heard = Utterance("a", voice, face), Utterance("b", voice, None)
    outcomes = models.infer([StepRequest({}, (both, heard)), StepRequest({}, (), ended=True)])
    kinds = [name.partition(":")[0] for name in outcomes[0].tally]
    assert kinds == ["audio_features"] * 17 + ["video_features"] * 17 + ["audio_features"] * 17
    assert outcomes[1].tally == ()
    assert outcomes[0].tally[:17] == outcomes[0].tally[34:]


def test_what_the_models_tell_is_counted_with_the_segment_that_is_answered():
    pipeline = build()
    prepared = pipeline.prepare(pipeline.read(incoming(1, (0, 2.0), speaker="ann", role="customer")), None)
    estimate = Estimate(np.full(7, 1 / 7, np.float32), 0.5, 0.0, 0.0, "circumplex", 1.0, 0.0)
    told = ("audio_features:0.3", "audio_features:1.9")
    stepped = pipeline.finish(prepared, StepOutcome({}, (estimate,), tally=told))
    assert stepped.tally[-2:] == told
