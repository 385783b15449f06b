"""The faces of a manifest that a face encoder has never seen, and what it makes of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigurationError
from engine.faces.mtcnn import load_mtcnn
from engine.faces.speaking import speaking_face
from engine.faces.track import MtcnnLocator
from engine.training.corpora import manifest
from engine.training.corpora.base import FaceSet
from engine.training.measured.table import Line, line


@dataclass(frozen=True, slots=True)
class Unseen:
    """The faces by the name of their manifest."""

    name: str
    faces: FaceSet
    dialogues: NDArray[np.int64]
    """`[N]`, which one each face is of."""

    def worth(self, chances: NDArray[np.float64]) -> Line:
        """What probabilities `[N, 7]` of the faces are worth, dialogues drawn with replacement."""
        return line(self.name, self.faces.labels, chances, self.dialogues)


def read(path: Path) -> Unseen:
    """Look into every film and still of a manifest as the engine does; what has no face is left out.

    Raises `ConfigurationError`: there is no manifest, or no face in it.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} is no manifest to test with")
    found = manifest.read(path, locator=MtcnnLocator(detector=load_mtcnn()), speaking_face=speaking_face)
    if not len(found.faces.labels):
        raise ConfigurationError(f"{path}: none of its films and stills shows a face that a face encoder could read")
    dialogues = np.zeros(len(found.faces.labels), dtype=np.int64)
    for number, dialogue in enumerate(found.dialogues):
        dialogues[[turn.face for turn in dialogue if turn.face is not None]] = number
    return Unseen(path.stem, found.faces, dialogues)
