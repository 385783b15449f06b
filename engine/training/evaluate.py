"""Evaluation: a checkpoint over a corpus it has not learned from, and beside it without history and by utterance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import artifact, parts
from engine.calibration import probabilities
from engine.errors import ConfigurationError
from engine.parts import Parts
from engine.training import tokens
from engine.training.batches import Assembler, only
from engine.training.corpora import emodb, fer2013, manifest, ravdess, scripted
from engine.training.corpora.base import NO_FACES, Dialogue, FaceSet, Turn, Voice
from engine.training.dialogues import predict
from engine.training.table import Line, line

NAMES = ("scripted", "ravdess", "emodb", "fer2013")
"""Corpora that are known by name; anything else is the path of a manifest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One condition of a corpus."""

    name: str
    causal: Line
    """As it is served: by whatever decides in this checkpoint."""
    single_turn: Line
    """The same, every turn the first of its dialogue."""
    utterance: Line
    """The fusion's own head."""
    answered: float
    """Share of turns whose confidence is above the abstention line."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The row as lines of a table."""
        return self.causal, self.single_turn, self.utterance


@dataclass(frozen=True, slots=True)
class _Part:
    conditions: Mapping[str, Sequence[Dialogue]]
    voices: Sequence[Voice]
    faces: FaceSet


def evaluate(checkpoint: str, corpus: str, *, data: Path) -> Iterator[Row]:
    """Score a checkpoint (a folder, a hub id or `default`) on a corpus, condition by condition.

    corpus: one of `NAMES`, whose held-out parts are read under `data`, or the path of a manifest.
    Raises `CheckpointError` and `ConfigurationError`.
    """
    loaded = parts.load(artifact.read(artifact.find(checkpoint)))
    part = _part(corpus, data)
    bank = tokens.fill(
        voice_encoder=loaded.voice,
        face_encoder=loaded.face,
        voices=part.voices,
        faces=part.faces,
        face_indices=[t.face for some in part.conditions.values() for d in some for t in d if t.face is not None],
        versions=1,
        seed=0,
    )
    using = Assembler(bank=bank, audio_width=loaded.voice.width, video_width=loaded.face.width)
    for name, some in part.conditions.items():
        yield _row(name, loaded, some, using)


def _row(name: str, loaded: Parts, some: Sequence[Dialogue], using: Assembler) -> Row:
    own, decided, labels = predict(loaded.fusion, loaded.decision, some, using)
    _, first, _ = predict(loaded.fusion, loaded.decision, [(turn,) for one in some for turn in one], using)
    utterance, causal, alone = (probabilities(one, temperature=loaded.temperature) for one in (own, decided, first))
    dialogues = np.repeat(np.arange(len(some)), [len(one) for one in some])
    return Row(
        name=name,
        causal=line(name, labels, causal, dialogues, without_history=alone),
        single_turn=line(f"{name}, single turns", labels, alone, dialogues),
        utterance=line(f"{name}, utterance only", labels, utterance, dialogues),
        answered=float((causal.max(axis=1) >= loaded.abstain_below).mean()),
    )


def _part(corpus: str, data: Path) -> _Part:
    if corpus == "scripted":
        table = data / "scripted" / "scripted_test.csv"
        clean = scripted.read(table)
        conditions = {
            "scripted test": clean,
            "scripted test, voices alone": [tuple(only(turn, voice=True) for turn in one) for one in clean],
            "scripted test, faces alone": [tuple(only(turn, voice=False) for turn in one) for one in clean],
            "scripted test, video40": scripted.read(table, face_column="video40"),
            "scripted test, video40 and voice30": scripted.read(table, face_column="video40", voice_column="voice30"),
        }
        voices = ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS["test"])
        return _Part(conditions, voices, fer2013.Fer2013(data / "fer2013.npz").source("test"))
    if corpus == "ravdess":
        voices = ravdess.read(data / "ravdess_speech_16k.tar", actors=scripted.ACTORS["test"])
        return _Part({"RAVDESS actors 18-20": _alone(voices)}, voices, NO_FACES)
    if corpus == "emodb":
        voices = emodb.read(data / "emodb_16k.tar", speakers=emodb.BUNDLED_SPEAKERS)
        conditions = {
            f"EmoDB speaker {speaker}": _alone([voice for voice in voices if voice.speaker == speaker])
            for speaker in sorted({voice.speaker for voice in voices})
        }
        return _Part(conditions, voices, NO_FACES)
    if corpus == "fer2013":
        faces = fer2013.Fer2013(data / "fer2013.npz").faces("test")
        turns = [(Turn(speaker="", label=int(y), voice=None, face=index),) for index, y in enumerate(faces.labels)]
        return _Part({"FER2013 test part": turns}, [], faces)
    if Path(corpus).is_file():
        dialogues, voices = manifest.read(Path(corpus))
        return _Part({Path(corpus).stem: dialogues}, voices, NO_FACES)
    raise ConfigurationError(f"no corpus {corpus!r}: name one of {', '.join(NAMES)}, or a manifest")


def _alone(voices: Sequence[Voice]) -> list[Dialogue]:
    return [(Turn(speaker=voice.speaker, label=voice.label, voice=voice.name, face=None),) for voice in voices]
