"""The corpora of this experiment: training parts, read to choose, and test parts, read at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.corpora import meld, meld_embeddings, meld_six
from engine.training.corpora.featured import FeaturedTurns
from engine.training.evidence.panel import Panel, panel
from engine.training.protocols import Fold, by_group
from schemas.labels import EMOTIONS

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A corpus with its protocol; every function is given the folder of the corpora."""

    train: Callable[[Path], list[FeaturedTurns]]
    """A part a fold."""
    test: Callable[[Path], list[FeaturedTurns]]
    """In the same order."""
    told: Callable[[Path], Panel | None]
    """Dialogues of neither part, of which labels and speakers are known and no voice; None: there are none."""
    what: str


def _six(data: Path, split: meld_six.Split) -> list[FeaturedTurns]:
    return [meld_six.read(data / "meld_six_speakers_av.npz", split)]


def _embedded(data: Path) -> tuple[FeaturedTurns, tuple[Fold, ...]]:
    turns = meld_embeddings.read(data / "meld_dev_embeddings.npz")
    return turns, by_group(turns.dialogues.astype(str), folds=_FOLDS, seed=0)


def _embedded_train(data: Path) -> list[FeaturedTurns]:
    turns, folds = _embedded(data)
    return [turns.at(fold.train) for fold in folds]


def _embedded_test(data: Path) -> list[FeaturedTurns]:
    turns, folds = _embedded(data)
    return [turns.at(fold.test) for fold in folds]


def _told(data: Path) -> Panel:
    """MELD's own train split: nobody's voice, and no dialogue of dev."""
    lines = [line for turns in meld.lines(data / "meld" / "train_sent_emo.csv").values() for line in turns]
    return panel(
        np.array([EMOTIONS.index(line.emotion) for line in lines]),
        np.array([str(line.speaker) for line in lines]),
        np.array([line.dialogue for line in lines]),
        voices=False,
    )


TASKS: Mapping[str, Task] = {
    "meld-six": Task(
        train=lambda data: _six(data, "train"),
        test=lambda data: _six(data, "dev"),
        told=lambda data: None,
        what="MELD six speakers, five emotions, train to dev, voice",
    ),
    "meld-embeddings": Task(
        train=_embedded_train,
        test=_embedded_test,
        told=_told,
        what="MELD dev embeddings, seven emotions, five folds by dialogue, voice",
    ),
}
"""By the names that recipes know."""
