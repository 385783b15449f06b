"""MELD's dev dialogues in all seven emotions, an utterance as one speech embedding."""

from pathlib import Path

import numpy as np

from engine.training.corpora.base import Card, existing
from engine.training.corpora.featured import FeaturedTurns, in_order

CARD = Card(
    name="MELD dev (embeddings)",
    source="Poria et al., ACL 2019; embeddings from a public repository",
    licence="none stated: measure only",
    use="research only",
    traps="91 of the 114 dialogues, cut into folds by dialogue: the same voices and the same scenes' style on both"
    " sides; disgust has 17 turns; the words are in the archive too and are not read",
)


def read(path: Path) -> FeaturedTurns:
    """Every turn: audio `[N, 768]`, and no face."""
    with np.load(existing(path, "MELD dev embeddings"), allow_pickle=False) as archive:
        return in_order(
            audio=archive["audio"],
            face=np.full((len(archive["audio"]), 1), np.nan),
            emotions=archive["emotion"],
            speakers=archive["speaker"],
            dialogues=archive["dialogue"],
            utterances=archive["utterance"],
        )
