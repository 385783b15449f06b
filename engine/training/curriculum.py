"""A curriculum: what a recipe learns from and what it is tuned on, of the corpora that it names."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.training.corpora import acted, emodb, fer2013, ravdess, scripted
from engine.training.corpora.base import NO_FACES, Card, Dialogue, FaceSet, Voice
from engine.training.material.batches import only
from engine.training.material.conditions import Material
from engine.training.recipe import Recipe
from engine.training.voices.material import Corpus, of_emodb, of_ravdess
from schemas.labels import EMOTIONS, Emotion


class Curriculum:
    """The training and the dev part of every corpus that a recipe names; of one that it does not name, nothing.

    Raises `ConfigurationError` for a corpus that is not there, or a speaker who is kept out of every training.
    """

    def __init__(self, chosen: Recipe, *, data: Path) -> None:
        self._recipe = chosen
        self._data = data
        corpora, who = chosen.corpora, chosen.speakers
        self.sources: list[dict[str, Any]] = []
        """Every corpus by its card, and the part of it that was read."""
        self._actors: list[Voice] = []
        self._german: list[Voice] = []
        self.dev_voices: dict[str, list[Voice]] = {}
        """Who is held out for choosing, by corpus."""
        if corpora.ravdess is not None:
            self._actors = ravdess.read(data / corpora.ravdess, actors=who.ravdess_train)
            self.dev_voices[_ACTORS] = ravdess.read(data / corpora.ravdess, actors=who.ravdess_dev)
            self._read(ravdess.CARD, f"actors {_listed(who.ravdess_train)}; dev {_listed(who.ravdess_dev)}")
        if corpora.emodb is not None:
            self._german = emodb.read_training(data / corpora.emodb, speakers=who.emodb_train)
            self.dev_voices[_GERMAN] = emodb.read_training(data / corpora.emodb, speakers=who.emodb_dev)
            self._read(emodb.CARD, f"speakers {_listed(who.emodb_train)}; dev {_listed(who.emodb_dev)}")
        if corpora.fer2013 is not None:
            self._read(fer2013.CARD, "Training; dev a third of PublicTest")
        if corpora.scripted is not None:
            self._read(scripted.CARD, "MELD's train and dev tables")

    @property
    def voices(self) -> list[Voice]:
        """The recordings of the training part."""
        return [*self._actors, *self._german]

    def classed(self, part: Literal["train", "dev"]) -> list[Corpus]:
        """Each corpus of voices with the classes that are its own."""
        dev = self.dev_voices
        actors = self._actors if part == "train" else dev.get(_ACTORS, [])
        german = self._german if part == "train" else dev.get(_GERMAN, [])
        return [of(some) for of, some in ((of_ravdess, actors), (of_emodb, german)) if some]

    def faces(self, part: Literal["train", "dev", "test"]) -> FaceSet:
        """The labelled faces of a part."""
        return NO_FACES if self._pictures is None else self._pictures.faces(part)

    @cached_property
    def learned(self) -> Material:
        """The dialogues of the training part."""
        copies = self._recipe.dialogue_training.acted_copies
        conditions: dict[str, Sequence[Dialogue]] = {
            "scripted train": self._scripted("train"),
            "EmoDB, acted calls": self._calls(self._german, copies=copies),
        }
        return Material(conditions, self.voices, self._sources_of_faces("train"))

    @cached_property
    def tuned(self) -> Material:
        """The dialogues of the dev part as they are, with voices alone and with faces alone."""
        dev = self._scripted("dev")
        conditions: dict[str, Sequence[Dialogue]] = {
            "scripted dev": dev,
            "scripted dev, voices alone": [tuple(only(turn, voice=True) for turn in one) for one in dev],
            "scripted dev, faces alone": [tuple(only(turn, voice=False) for turn in one) for one in dev],
            f"{_GERMAN}, acted call": self._calls(self.dev_voices.get(_GERMAN, []), copies=1),
        }
        return Material(
            {name: some for name, some in conditions.items() if some},
            list(chain.from_iterable(self.dev_voices.values())),
            self._sources_of_faces("dev"),
        )

    @property
    def unlearned(self) -> tuple[Emotion, ...]:
        """The emotions that nothing in the training part shows."""
        labels = {voice.label for voice in self.voices} | set(np.unique(self.faces("train").labels).tolist())
        return tuple(emotion for label, emotion in enumerate(EMOTIONS) if label not in labels)

    @cached_property
    def _pictures(self) -> fer2013.Fer2013 | None:
        path = self._recipe.corpora.fer2013
        return None if path is None else fer2013.Fer2013(self._data / path)

    def _sources_of_faces(self, part: Literal["train", "dev"]) -> FaceSet:
        """What the faces of scripted dialogues are numbered in."""
        return NO_FACES if self._pictures is None else self._pictures.source(part)

    def _scripted(self, part: Literal["train", "dev"]) -> list[Dialogue]:
        path = self._recipe.corpora.scripted
        return [] if path is None else scripted.read(self._data / path / f"scripted_{part}.csv")

    def _calls(self, voices: Sequence[Voice], *, copies: int) -> list[Dialogue]:
        turns = self._recipe.dialogue_training.acted_turns
        return acted.dialogues(voices, turns=turns, copies=copies, seed=self._recipe.seed)

    def _read(self, card: Card, part: str) -> None:
        self.sources.append(asdict(card) | {"part": part})


_ACTORS, _GERMAN = "RAVDESS dev actors", "EmoDB dev speaker"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"{number:02d}" for number in numbers)
