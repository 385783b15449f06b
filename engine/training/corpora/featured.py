"""Turns of dialogues as one vector a modality: what a corpus gives that shares features and no media."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.labels import EMOTIONS


@dataclass(frozen=True, slots=True)
class FeaturedTurns:
    """The N turns of a part, dialogue after dialogue and in their order within each."""

    audio: NDArray[np.float32]
    """`[N, Da]`"""
    face: NDArray[np.float32]
    """`[N, Dv]`; a row of NaN: no face."""
    labels: NDArray[np.int64]
    """`[N]`, indices into `schemas.labels.EMOTIONS`."""
    speakers: NDArray[np.str_]
    """`[N]`"""
    dialogues: NDArray[np.int64]
    """`[N]`"""
    utterances: NDArray[np.int64]
    """`[N]` place in the dialogue as it was aired; a gap is a turn that the corpus left out."""

    def at(self, rows: NDArray[np.int64]) -> "FeaturedTurns":
        """Those turns."""
        return FeaturedTurns(
            audio=self.audio[rows],
            face=self.face[rows],
            labels=self.labels[rows],
            speakers=self.speakers[rows],
            dialogues=self.dialogues[rows],
            utterances=self.utterances[rows],
        )


def in_order(
    *,
    audio: NDArray[np.floating],
    face: NDArray[np.floating],
    emotions: NDArray[np.str_],
    speakers: NDArray[np.str_],
    dialogues: NDArray[np.integer],
    utterances: NDArray[np.integer],
) -> FeaturedTurns:
    """Rows of a corpus in any order, as turns; `emotions` are names."""
    order = np.lexsort((utterances, dialogues))
    names: list[str] = list(EMOTIONS)
    return FeaturedTurns(
        audio=audio[order].astype(np.float32),
        face=face[order].astype(np.float32),
        labels=np.array([names.index(str(emotion)) for emotion in emotions[order]], dtype=np.int64),
        speakers=speakers[order],
        dialogues=dialogues[order].astype(np.int64),
        utterances=utterances[order].astype(np.int64),
    )
