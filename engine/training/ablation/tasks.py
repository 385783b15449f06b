"""The dialogue corpora of the ablation, and how the variants learn on each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from engine import artifact, parts
from engine.training.ablation.material import Encoded, Material, of_banks, of_features
from engine.training.corpora import fer2013, meld_embeddings, meld_six, ravdess, scripted
from engine.training.fitting.study import Schedule
from engine.training.material import tokens
from engine.training.protocols import by_group

_FOLDS = 5
_SCRIPTED_DIALOGUES = 400
"""Of 1038, drawn once: enough for seven variants in two directions to be trained in an hour of one core."""


@dataclass(frozen=True, slots=True)
class Task:
    """A corpus with its protocol."""

    read: Callable[[Path], list[Material]]
    """Its folds, from the folder of the corpora."""
    schedule: Schedule
    """Chosen on the training part alone: see README.md here."""
    what: str
    """For the table."""


def _meld_six(data: Path, *, face: bool) -> list[Material]:
    path = data / "meld_six_speakers_av.npz"
    return [of_features(meld_six.read(path, "train"), meld_six.read(path, "dev"), face=face)]


def _meld_embeddings(data: Path) -> list[Material]:
    turns = meld_embeddings.read(data / "meld_dev_embeddings.npz")
    folds = by_group(turns.dialogues.astype(str), folds=_FOLDS, seed=0)
    return [of_features(turns.at(fold.train), turns.at(fold.test), face=False) for fold in folds]


def _scripted(data: Path) -> list[Material]:
    loaded = parts.load(artifact.read(artifact.DEFAULT))
    faces = fer2013.Fer2013(data / "fer2013.npz")

    def encoded(split: fer2013.Part) -> Encoded:
        dialogues = scripted.read(data / "scripted" / f"scripted_{split}.csv", face_column="video40")
        if split == "train":
            order = np.random.default_rng(0).permutation(len(dialogues))
            dialogues = [dialogues[row] for row in order[:_SCRIPTED_DIALOGUES]]
        bank = tokens.fill(
            voice_encoder=loaded.voice,
            face_encoder=loaded.face,
            voices=ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS[split]),
            faces=faces.source(split),
            face_indices=[turn.face for one in dialogues for turn in one if turn.face is not None],
            versions=1,
            seed=0,
        )
        return dialogues, bank

    return [of_banks(encoded("train"), encoded("dev"), encoded("test"))]


_SIX = Schedule(epochs=14, batch=64, learning_rate=2e-3, class_power=0.5)
_EMBEDDED = Schedule(epochs=15, batch=16, learning_rate=3e-3)
# The encoders know the recordings that the states learn from and are too sure of them: see ../README.md.
_SCRIPTED = Schedule(epochs=10, learning_rate=2e-3, token_noise=0.8)

TASKS: Mapping[str, Task] = {
    "meld-six": Task(
        partial(_meld_six, face=False), _SIX, "MELD six speakers, five emotions, train to dev, voice; one token"
    ),
    "meld-six-face": Task(
        partial(_meld_six, face=True),
        _SIX,
        "MELD six speakers, five emotions, train to dev, voice and face; one token each",
    ),
    "meld-embeddings": Task(
        _meld_embeddings, _EMBEDDED, "MELD dev embeddings, seven emotions, five folds by dialogue, voice; one token"
    ),
    "scripted": Task(
        _scripted,
        _SCRIPTED,
        f"scripted dialogues, {_SCRIPTED_DIALOGUES} of train to test, voice and face, no picture in 40 % of turns; the"
        " default encoders' tokens; epoch chosen on dev, of other actors and faces",
    ),
}
"""Corpora by the names that the command knows."""
