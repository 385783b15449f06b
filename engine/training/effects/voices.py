"""The options of the voice's stage, on speakers of the training part that are held out for choosing."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.training.effects.said import Said
from engine.training.voices.answers import Answer
from engine.training.voices.recipe import VoiceRecipe
from engine.training.voices.run import run

LEFT_OUT: Mapping[str, Mapping[str, float]] = {
    **{
        name: {name: 0.0}
        for name in ("speed", "noise", "babble", "reverberation", "telephone", "time_mask", "band_mask", "mixup")
    },
    "label_smoothing": {"label_smoothing": 0.0},
}
_VERSIONS, _EPOCHS = 4, 15


class VoiceStage:
    """A recipe's voice encoder by the protocol `choosing`, in a shorter training of fewer versions."""

    name = "voice"
    options = tuple(LEFT_OUT)
    measure = "accuracy"

    def __init__(self, recipe: VoiceRecipe, *, data: Path) -> None:
        self._data = data
        self._recipe = recipe.model_copy(
            update={
                "protocol": recipe.protocol.model_copy(update={"name": "choosing"}),
                "training": recipe.training.model_copy(update={"epochs": _EPOCHS, "members": 1}),
                "augmentation": recipe.augmentation.model_copy(update={"versions": _VERSIONS}),
            }
        )

    def say(self, without: str | None, folder: Path) -> Mapping[str, Said]:
        """What the encoder says when it has learned without an option; None: with all. `folder` keeps its epochs."""
        numbers = {} if without is None else LEFT_OUT[without]
        training, augmentation = self._recipe.training, self._recipe.augmentation
        chosen = self._recipe.model_copy(
            update={
                "training": training.model_copy(update={k: v for k, v in numbers.items() if hasattr(training, k)}),
                "augmentation": augmentation.model_copy(
                    update={k: v for k, v in numbers.items() if hasattr(augmentation, k)}
                ),
            }
        )
        (answers,) = run(chosen, folder, data=self._data, progress=lambda *_: None).members
        found: dict[str, list[Answer]] = {}
        for one in answers:
            found.setdefault(f"{one.corpus}, {one.condition}", []).append(one)
        return {name: _said(some) for name, some in found.items()}


def _said(answers: list[Answer]) -> Said:
    return Said(
        labels=np.array([one.label for one in answers]),
        chances=np.array([one.chances for one in answers]),
        groups=np.array([one.voice for one in answers]),
    )
