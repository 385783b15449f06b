"""The corpora of this experiment: training parts, read to choose, and test parts, read at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.training.corpora import meld_embeddings, meld_six
from engine.training.corpora.featured import FeaturedTurns
from engine.training.protocols import Fold, by_group

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Task:
    """A corpus with its protocol; every function is given the folder of the corpora."""

    train: Callable[[Path], list[FeaturedTurns]]
    """A part a fold."""
    test: Callable[[Path], list[FeaturedTurns]]
    """In the same order."""
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


TASKS: Mapping[str, Task] = {
    "meld-six": Task(
        train=lambda data: _six(data, "train"),
        test=lambda data: _six(data, "dev"),
        what="MELD six speakers, five emotions, train to dev, voice",
    ),
    "meld-embeddings": Task(
        train=_embedded_train,
        test=_embedded_test,
        what="MELD dev embeddings, seven emotions, five folds by dialogue, voice",
    ),
}
"""By the names that recipes know."""
