"""FER2013: grey faces from a web search, seven emotions; PublicTest is parted into dev and test by a hash."""

from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np

from engine.training.corpora.base import Card, FaceSet, existing
from schemas.labels import EMOTIONS, Emotion

CARD = Card(
    name="FER2013",
    source="Goodfellow et al., ICONIP 2013",
    licence="unclear",
    use="research only",
    traps="labels are noisy (people agree on about 65 %); PublicTest repeats pictures of Training, which are left out",
)

Part = Literal["train", "dev", "test"]

_LABELS: dict[str, Emotion] = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "joy",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}


class Fer2013:
    """The file's two official parts, and the clean indices of our three."""

    def __init__(self, path: Path) -> None:
        with np.load(existing(path, "FER2013"), allow_pickle=False) as archive:
            order = np.array([EMOTIONS.index(_LABELS[str(name)]) for name in archive["label_names"]])
            self._train = FaceSet(images=archive["train_image"], labels=order[archive["train_label"]])
            self._valid = FaceSet(images=archive["valid_image"], labels=order[archive["valid_label"]])
        self._parts = _clean_indices(self._train, self._valid)

    @property
    def training(self) -> FaceSet:
        """The official Training, whole."""
        return self._train

    @property
    def public_test(self) -> FaceSet:
        """The official PublicTest, whole."""
        return self._valid

    def source(self, part: Part) -> FaceSet:
        """The official part that the indices of `part` count in: Training for train, else PublicTest."""
        return self._train if part == "train" else self._valid

    def faces(self, part: Part) -> FaceSet:
        """The clean faces of a part."""
        source, indices = self.source(part), self._parts[part]
        return FaceSet(images=source.images[indices], labels=source.labels[indices])


def _clean_indices(train: FaceSet, valid: FaceSet) -> dict[Part, list[int]]:
    """Without blank pictures, and without those of PublicTest that were seen before; a third of it is dev."""
    seen = {_digest(image) for image in train.images}
    parts: dict[Part, list[int]] = {
        "train": [index for index, image in enumerate(train.images) if image.min() != image.max()],
        "dev": [],
        "test": [],
    }
    for index, image in enumerate(valid.images):
        digest = _digest(image)
        if digest in seen or image.min() == image.max():
            continue
        seen.add(digest)
        key = blake2b(f"fer-part|{index}".encode(), digest_size=8).digest()
        parts["dev" if int.from_bytes(key, "big") % 3 == 0 else "test"].append(index)
    return parts


def _digest(image: np.ndarray) -> bytes:
    return blake2b(image.tobytes(), digest_size=16).digest()
