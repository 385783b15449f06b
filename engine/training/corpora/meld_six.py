"""MELD's six main speakers in five emotions, an utterance as audio statistics and face landmarks."""

from pathlib import Path
from typing import Literal

import numpy as np

from engine.training.corpora.base import Card, existing
from engine.training.corpora.featured import FeaturedTurns, in_order

CARD = Card(
    name="MELD, six speakers (features)",
    source="Poria et al., ACL 2019; features from a public repository",
    licence="none stated: measure only",
    use="research only",
    traps="anger, joy, sadness, disgust and fear alone: no neutral, no surprise, no guests, so half of a dialogue's"
    " turns are missing; one face of possibly several, none in 9 %; the same six people in train and dev",
)

_MEL = slice(13, 141)
_LEAST_POWER = 1e-6

Split = Literal["train", "dev"]


def read(path: Path, split: Split) -> FeaturedTurns:
    """One of MELD's own splits: audio `[N, 148]` (13 MFCC, 128 mel, 7 contrast), face `[N, 60]` (30 landmarks).

    The mel bands come as logarithms; the archive holds power, whose spread is that of its few loudest turns.
    """
    with np.load(existing(path, "MELD, six speakers"), allow_pickle=False) as archive:
        audio = archive[f"{split}_audio"]
        audio[:, _MEL] = np.log(audio[:, _MEL] + _LEAST_POWER)
        return in_order(
            audio=audio,
            face=archive[f"{split}_face"],
            emotions=archive[f"{split}_emotion"],
            speakers=archive[f"{split}_speaker"],
            dialogues=archive[f"{split}_dialogue"],
            utterances=archive[f"{split}_utterance"],
        )
