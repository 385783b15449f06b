"""The options of the face's stage, on pictures of FER2013's Training that are held out for choosing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.errors import ConfigurationError
from engine.features.builders import FaceCropEncoder, video_encoder
from engine.training.corpora.base import FaceSet
from engine.training.corpora.fer2013 import Fer2013
from engine.training.effects.said import Said
from engine.training.fitting.fit import Following
from engine.training.learned.encoders import Head, train_face
from engine.training.material import augment, tokens
from engine.training.recipe import EVERY_LOOK, EncoderTraining, FaceAugmentation, Recipe

_LEARNED, _HELD, _EPOCHS, _SEED, _AT_ONCE = 4800, 2400, 8, 0, 256
_NO_LOOK = FaceAugmentation(mirror=0, turn=0, scale=0, shift=0, blur=0, light=0, cover=0)
_SEEN = {
    "as they are": _NO_LOOK,
    "blurred": _NO_LOOK.model_copy(update={"blur": 1.0}),
    "lit otherwise": _NO_LOOK.model_copy(update={"light": 0.8}),
    "covered": _NO_LOOK.model_copy(update={"cover": 1.0}),
    "moved": _NO_LOOK.model_copy(update={"turn": 0.25, "scale": 0.2, "shift": 0.15}),
}
"""The conditions of the pictures that are held out; the same changes whoever is asked."""


class FaceStage:
    """A recipe's face encoder, in a shorter training on a sixth of its pictures."""

    name = "face"
    options = (*FaceAugmentation.model_fields, "label_smoothing", "balance")
    measure = "accuracy"

    def __init__(self, recipe: Recipe, *, data: Path) -> None:
        if recipe.face_training is None or recipe.corpora.fer2013 is None:
            raise ConfigurationError(f"recipe {recipe.name} has no stage of the face whose options could be left out")
        self._recipe = recipe
        self._schedule: EncoderTraining = recipe.face_training.model_copy(update={"epochs": _EPOCHS})
        everything = Fer2013(data / recipe.corpora.fer2013).faces("train")
        order = np.random.default_rng(_SEED).permutation(len(everything.labels))
        self._learned, self._held = (
            FaceSet(images=everything.images[rows], labels=everything.labels[rows])
            for rows in (order[:_LEARNED], order[_LEARNED : _LEARNED + _HELD])
        )

    def say(self, without: str | None, folder: Path) -> Mapping[str, Said]:
        """What the encoder says when it has learned without an option; None: with all. `folder` keeps its epochs."""
        gone = {} if without is None else {without: 0.0}
        scheduled = without is not None and without not in FaceAugmentation.model_fields
        torch.manual_seed(self._recipe.seed)
        encoder = video_encoder(self._recipe.face)
        head = Head(width=encoder.width, dropout=self._schedule.dropout)
        train_face(
            encoder,
            head,
            self._learned,
            schedule=self._schedule.model_copy(update=gone if scheduled else {}),
            augmentation=EVERY_LOOK.model_copy(update={} if scheduled else gone),
            seed=self._recipe.seed,
            following=Following(lambda *_: None, folder / "epochs.state", None),
        )
        return {name: self._asked(encoder, head, looks) for name, looks in _SEEN.items()}

    @torch.no_grad()
    def _asked(self, encoder: FaceCropEncoder, head: Head, looks: FaceAugmentation) -> Said:
        generator = torch.Generator().manual_seed(_SEED)
        chances: list[Tensor] = []
        for part in torch.split(torch.from_numpy(self._held.images), _AT_ONCE):
            seen = augment.faces(part.float() / 255, generator=generator, looks=looks)
            cells = tokens.picture_tokens(encoder, seen)
            chances.append(head(cells, torch.ones(cells.shape[:2], dtype=torch.bool)).double().softmax(dim=1))
        return Said(
            labels=self._held.labels,
            chances=torch.cat(chances).numpy(),
            groups=np.arange(len(self._held.labels)).astype(str),
        )
