"""The weights that explain a decision move when a modality is corrupted: from utterances to estimates, by `infer`."""

import csv
import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from engine.artifact import DEFAULT, read
from engine.decision import decision
from engine.models import LocalModels, load_models
from engine.parts import Parts
from engine.signals import FACE_SIZE, StepRequest, Utterance
from engine.training.comparison.fit import Schedule, fit
from engine.training.comparison.synthetic import noisy_modality
from engine.training.corpora.base import decode_voice
from engine.training.corpora.fer2013 import Fer2013
from schemas.labels import EMOTIONS

ROOT = Path(__file__).parents[2]
CALL = ROOT / "simulators" / "samples" / "call"
FACES = ROOT.parent / "shared" / "data" / "fer2013.npz"
FEATURES = 9
PIXEL = 16.0
CLIP = 225
"""Samples of one token: eight of them are longer than the tenth of a second to which a sound is filled up."""
SMALL = {
    "ca+dca": {},
    "attsf-l2": {"length": 8, "cmb_layers": 1, "sab_layers": 1, "avam_layers": 1, "dropout": 0.0},
    "attsf-gat": {"length": 8, "cmb_layers": 1, "sab_layers": 1, "avam_layers": 1, "dropout": 0.0},
}


class Samples(nn.Module):
    """An encoder whose tokens are the first samples of every clip, scaled as the model was trained to see them."""

    width = FEATURES

    def __init__(self, scale):
        super().__init__()
        self.mean, self.spread = scale

    def extract(self, inputs, mask):
        tokens = inputs.unflatten(1, (-1, CLIP))[..., :FEATURES]
        return (tokens - self.mean) / self.spread, mask[:, ::CLIP]


class Pixels(Samples):
    """The same for the first pixels of every crop."""

    def extract(self, inputs, mask):
        tokens = (inputs[:, :, 0, 0, :FEATURES] * 255 - 128) / PIXEL
        return (tokens - self.mean) / self.spread, mask


def _utterance(audio, video) -> Utterance:
    """Tokens `[T, 9]` of both as samples and as pixels."""
    crops = np.zeros((len(video), FACE_SIZE, FACE_SIZE, 3), dtype=np.uint8)
    crops[:, 0, :FEATURES] = np.clip(np.round(128 + PIXEL * video), 0, 255)[..., None]
    samples = np.pad(audio, ((0, 0), (0, CLIP - FEATURES))).astype(np.float32).ravel()
    return Utterance("speaker", samples, crops)


def _means(models, utterances):
    """Mean of every weight over the utterances, each a dialogue of its own."""
    outcomes = models.infer([StepRequest({}, (one,)) for one in utterances])
    estimates = [outcome.estimates[0] for outcome in outcomes]
    weights = [{"audio": one.weight_audio, "video": one.weight_video, **one.gate} for one in estimates]
    return {name: np.mean([one[name] for one in weights]) for name in weights[0]}


@functools.cache
def _trained(name):
    """A model of the made-up task behind `infer`: means when all is clean, when audio and when video is drowned."""
    torch.set_num_threads(1)
    task = replace(noisy_modality(utterances=2400), outputs=len(EMOTIONS))
    fold = task.folds[0]
    fitted = fit(
        name, {"width": 32, **SMALL[name]}, task, fold, schedule=Schedule(epochs=14, learning_rate=3e-3), seed=0
    )
    parts = Parts(
        voice=Samples(fitted.scales[0]),
        face=Pixels(fitted.scales[1]),
        fusion=fitted.model,
        decision=decision({"name": "none"}),
        temperature=1.0,
        abstain_below=0.0,
    )
    models = LocalModels(model_id="made up", parts=parts, explain=True, device=torch.device("cpu"))
    rows = {name: fold.test[task.conditions[fold.test] == name][:100] for name in np.unique(task.conditions)}
    audio, video = task.audio.values.numpy(), task.video.values.numpy()
    clean = rows["clean"]
    return (
        _means(models, [_utterance(audio[row], video[row]) for row in clean]),
        _means(
            models,
            [_utterance(audio[noise], video[row]) for noise, row in zip(rows["audio noise"], clean, strict=True)],
        ),
        _means(
            models,
            [_utterance(audio[row], video[noise]) for noise, row in zip(rows["video noise"], clean, strict=True)],
        ),
    )


@pytest.mark.parametrize("name", SMALL)
def test_a_drowned_modality_counts_for_less(name):
    clean, without_voice, without_face = _trained(name)
    assert without_voice["audio"] < clean["audio"] - 0.05
    assert without_face["video"] < clean["video"] - 0.05


def test_the_gate_of_a_drowned_modality_turns_from_what_is_attended():
    clean, without_voice, without_face = _trained("ca+dca")
    assert without_voice["audio_attended"] < clean["audio_attended"] / 2
    assert without_face["video_attended"] < clean["video_attended"] / 2


@pytest.mark.parametrize("name", ["attsf-l2", "attsf-gat"])
def test_the_weights_of_attsf_reach_the_estimate_and_move(name):
    clean, without_voice, without_face = _trained(name)
    assert abs(without_voice["audio_multimodal"] - clean["audio_multimodal"]) > 0.01
    assert abs(without_face["video_multimodal"] - clean["video_multimodal"]) > 0.01


@pytest.mark.skipif(not FACES.is_file(), reason=f"the faces are not at {FACES}")
def test_the_default_checkpoint_tells_what_is_corrupted():
    models = load_models(read(DEFAULT), explain=True, device="cpu")
    draw = np.random.default_rng(0)
    spoken = _spoken(draw)
    clean = _means(models, spoken)
    # Noise as loud as the voice is no such case: this checkpoint takes it for a voice, wrongly, and says that it did.
    silent = _means(models, [replace(one, audio=np.zeros_like(one.audio)) for one in spoken])
    noise = [draw.integers(0, 256, one.faces.shape, dtype=np.uint8) for one in spoken]
    unseen = _means(models, [replace(one, faces=faces) for one, faces in zip(spoken, noise, strict=True)])
    assert silent["audio"] < clean["audio"] - 0.1
    assert unseen["video"] < clean["video"] - 0.1


def _spoken(draw):
    """The bundled voices, each with a face of the same emotion that the checkpoint never saw."""
    faces = Fer2013(FACES).faces("test")
    with (CALL / "manifest.csv").open() as manifest:
        rows = list(csv.DictReader(manifest))
    utterances = []
    for row in rows:
        alike = np.flatnonzero(faces.labels == EMOTIONS.index(row["emotion"]))
        picture = torch.from_numpy(faces.images[draw.choice(alike)])[None, None].float()
        grey = interpolate(picture, size=(FACE_SIZE, FACE_SIZE), mode="bilinear")[0, 0].round().byte().numpy()
        crops = np.repeat(grey[None, :, :, None], 3, axis=3).repeat(5, axis=0)
        utterances.append(Utterance("speaker", decode_voice((CALL / row["media"]).read_bytes()), crops))
    return utterances
