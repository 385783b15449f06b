"""The options of the fusion's and the dialogue model's stage, over the shipped checkpoint's encoders."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from engine import artifact, parts
from engine.calibration import probabilities
from engine.decision import decision
from engine.errors import ConfigurationError
from engine.fusion.builders import fusion
from engine.training.corpora import scripted
from engine.training.corpora.base import Dialogue
from engine.training.curriculum import Curriculum
from engine.training.effects.said import Said
from engine.training.fitting.fit import Following
from engine.training.learned.dialogues import predict, train_dialogues
from engine.training.material.batches import Assembler
from engine.training.material.conditions import Material
from engine.training.material.encoded import encoded
from engine.training.measured.withheld import without_each
from engine.training.recipe import Recipe
from schemas.labels import EMOTIONS

LEFT_OUT: Mapping[str, Mapping[str, float]] = {
    **{
        name: {name: 0.0}
        for name in (
            *("token_noise", "neither", "one_modality", "participant_missing"),
            *("label_smoothing", "balance", "average"),
        )
    },
    "missing turns": {"audio_missing": 0.0, "video_missing": 0.0},
    "all modality dropout": {"audio_missing": 0.0, "video_missing": 0.0, "one_modality": 0.0, "neither": 0.0},
    "augmented media": {"versions": 1},
}


class DialogueStage:
    """A recipe's fusion and states over frozen encoders, asked about its dev dialogues."""

    name = "dialogues"
    options = tuple(LEFT_OUT)
    measure = "weighted F1"

    def __init__(self, recipe: Recipe, *, data: Path) -> None:
        if recipe.corpora.scripted is None:
            raise ConfigurationError(f"recipe {recipe.name} names no dialogues whose modalities could be missing")
        self._recipe = recipe
        self._loaded = parts.load(artifact.read(artifact.find("default")))
        curriculum = Curriculum(recipe, data=data)
        self._dialogues = list(chain.from_iterable(curriculum.learned.conditions.values()))
        self._learned = self._tokens(curriculum.learned, versions=recipe.dialogue_training.versions)
        dev = dict(curriculum.tuned.conditions)
        table = data / recipe.corpora.scripted / "scripted_dev.csv"
        for names, columns in _MISSING.items():
            dev[names] = scripted.read(table, **columns)
        self._dev = Material(dev, curriculum.tuned.voices, curriculum.tuned.faces)
        self._asked = self._tokens(self._dev, versions=1)

    def say(self, without: str | None, folder: Path) -> Mapping[str, Said]:
        """What is served when it has learned without an option; None: with all. `folder` keeps its epochs."""
        chosen = self._recipe
        torch.manual_seed(chosen.seed)
        fusing = fusion(
            **chosen.fusion.model_dump(),
            audio_width=self._loaded.voice.width,
            video_width=self._loaded.face.width,
            classes=len(EMOTIONS),
        )
        deciding = decision(chosen.dialogue.arguments(width=fusing.width))
        train_dialogues(
            fusing,
            deciding,
            self._dialogues,
            self._learned,
            schedule=chosen.dialogue_training.model_copy(update={} if without is None else dict(LEFT_OUT[without])),
            seed=chosen.seed,
            following=Following(lambda *_: None, folder / "epochs.state", None),
        )

        def said(dialogues: Sequence[Dialogue]) -> Said:
            _, decided, labels = predict(fusing, deciding, dialogues, self._asked)
            places = np.repeat(np.arange(len(dialogues)), [len(one) for one in dialogues])
            return Said(labels, probabilities(decided, temperature=1.0), places.astype(str))

        found = {name: said(some) for name, some in self._dev.conditions.items()}
        both = next(reversed(_MISSING))
        empty = [turn.voice is None and turn.face is None for one in self._dev.conditions[both] for turn in one]
        nothing = found[both]
        found[f"{both}, the turns with neither"] = Said(
            nothing.labels[empty], nothing.chances[empty], nothing.groups[empty]
        )
        left, _ = without_each(next(iter(self._dev.conditions.values())))
        return found | {"one party withheld": said(left)}

    def _tokens(self, material: Material, *, versions: int) -> Assembler:
        return encoded(
            material,
            voice=self._loaded.voice,
            face=self._loaded.face,
            versions=versions,
            seed=self._recipe.seed,
            augmentation=self._recipe.voice_augmentation,
            looks=self._recipe.face_augmentation,
        )


_MISSING = {
    "scripted dev, video40": {"face_column": "video40"},
    "scripted dev, video40 and voice30": {"face_column": "video40", "voice_column": "voice30"},
}
