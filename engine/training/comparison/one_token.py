"""Tasks on corpora that share features and no media: one vector a modality, so attention has one key."""

from pathlib import Path

import numpy as np
import torch

from engine.training.comparison.task import Task, Tokens, one_token
from engine.training.corpora import meld_six, mosi, quechua, ravdess_units
from engine.training.protocols import Fold, by_group


def ravdess(path: Path) -> Task:
    """RAVDESS's eight emotions from action units and audio statistics; six folds by actor."""
    played = ravdess_units.read(path)
    return Task(
        name="ravdess-units",
        audio=one_token(played.audio),
        video=one_token(played.units),
        target=torch.from_numpy(played.labels),
        groups=played.actors,
        folds=by_group(played.actors, folds=6, seed=0),
        metric="accuracy",
        outputs=ravdess_units.CLASSES,
        note="one token; six folds by actor; eight emotions",
    )


def meld(path: Path) -> Task:
    """Five emotions of MELD's six main speakers, from its train split to its dev split."""
    train, dev = meld_six.read(path, "train"), meld_six.read(path, "dev")
    labels = np.concatenate([train.labels, dev.labels])
    dialogues = np.concatenate([train.dialogues.astype(str), np.char.add("dev ", dev.dialogues.astype(str))])
    emotions, target = np.unique(labels, return_inverse=True)
    return Task(
        name="meld-six",
        audio=one_token(np.concatenate([train.audio, dev.audio])),
        video=one_token(np.concatenate([train.face, dev.face])),
        target=torch.from_numpy(target),
        groups=dialogues,
        folds=(_given(len(train.labels), len(labels)),),
        metric="weighted_f1",
        outputs=len(emotions),
        note="one token; train to dev, single turns without history; five emotions; the face is missing in 9 %",
    )


def sentiment(path: Path) -> Task:
    """The sign of the sentiment in CMU-MOSI from voice and picture, without the words; five folds by video."""
    segments = mosi.read(path)
    return Task(
        name="mosi",
        audio=one_token(segments.audio),
        video=one_token(segments.video),
        target=torch.from_numpy(segments.positive),
        groups=segments.videos,
        folds=by_group(segments.videos, folds=5, seed=0),
        metric="weighted_f1",
        outputs=2,
        note="one token; five folds by video; positive or not; without the words. The picture's features know the"
        " labels: voice alone is the one honest column",
    )


def voice_only(path: Path) -> Task:
    """Three ratings of Quechua speech; there is no video at all."""
    train, valid = quechua.read(path)
    audio = one_token(np.concatenate([train.features, valid.features]))
    count = len(audio.mask)
    return Task(
        name="quechua",
        audio=audio,
        video=Tokens(torch.zeros(count, 1, 1), torch.zeros(count, 1, dtype=torch.bool)),
        target=torch.from_numpy(np.concatenate([train.ratings, valid.ratings])),
        groups=np.arange(count).astype(str),
        folds=(_given(len(train.features), count),),
        metric="ccc",
        outputs=3,
        note="one token, voice only through the missing-modality path; the split as it is given; mean CCC of three"
        " ratings, of which the speakers are not named",
    )


def _given(train: int, count: int) -> Fold:
    """The first rows to learn from, the others to be measured on."""
    return Fold(np.arange(train), np.arange(train, count))
