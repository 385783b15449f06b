"""CMU-MOSI's training part: segments of people who review films, an utterance as one vector a modality."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.corpora.base import Card, existing

CARD = Card(
    name="CMU-MOSI (features)",
    source="Zadeh et al., IEEE Intelligent Systems 31(6) 2016; features from a public repository",
    licence="CC BY-NC 4.0",
    use="research only",
    traps="the features of picture and words carry the labels, as outputs of networks trained on them would (one of the"
    " words' alone has an AUC of .997, one of the picture's .80): no score with them says anything of new people; the"
    " official training part alone, so parts by video are ours; the label is the sign of the sentiment",
)


@dataclass(frozen=True, slots=True)
class Segments:
    """The N segments, as they stand in the file."""

    audio: NDArray[np.float32]
    """`[N, 73]`"""
    video: NDArray[np.float32]
    """`[N, 100]`"""
    text: NDArray[np.float32]
    """`[N, 100]`"""
    positive: NDArray[np.int64]
    """`[N]` 1: a positive sentiment."""
    videos: NDArray[np.str_]
    """`[N]` id of the video the segment is of."""


def read(path: Path) -> Segments:
    """All segments; a segment's name is its video's id and its place in it."""
    with np.load(existing(path, "CMU-MOSI"), allow_pickle=False) as archive:
        return Segments(
            audio=archive["audio"],
            video=archive["video"],
            text=archive["text"],
            positive=archive["positive"].astype(np.int64),
            videos=np.array([str(name).rsplit("_", 1)[0] for name in archive["segment"]]),
        )
