"""A recipe's two encoders: trained here each under a passing head, or frozen as they come."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from engine.calibration import probabilities
from engine.errors import ConfigurationError
from engine.features.builders import AudioEncoder, FaceCropEncoder, audio_encoder, video_encoder
from engine.training.corpora.base import Card, FaceSet, Voice
from engine.training.curriculum import Curriculum
from engine.training.fitting.device import CPU
from engine.training.fitting.fit import Following, Progress
from engine.training.fitting.stages import Stages
from engine.training.learned import frozen
from engine.training.learned.encoders import Head, train_face, train_voice
from engine.training.material import tokens
from engine.training.recipe import Recipe
from engine.training.scoring.scores import Scores, score
from engine.training.voices import stage as voices_stage

_AT_ONCE = 256

Encoder = TypeVar("Encoder", bound=nn.Module)


class FrontEnds:
    """Both encoders of a recipe, known from the start, and filled by their stages where they have one.

    Raises `ConfigurationError` or `CheckpointError` if the recipe's numbers make no encoder.
    """

    voice: AudioEncoder
    face: FaceCropEncoder

    def __init__(self, chosen: Recipe, *, stages: Stages, progress: Progress, device: torch.device = CPU) -> None:
        self._recipe = chosen
        self._device = device
        self._stages = stages
        self._progress = progress
        self.numbers: dict[str, Mapping[str, Any]] = {"audio": chosen.voice, "face": chosen.face}
        """What a checkpoint says of them."""
        self.cards: list[Card] = []
        """Of weights that come from elsewhere."""
        self.sha256: list[str] = []
        """Of these weights: a stage over them is made anew when they are others."""
        self._seeing: Head | None = None
        self.epochs: dict[str, Path] = {}
        """Of each stage, its epochs as CSV."""
        if chosen.voice_training is None:
            heard = frozen.audio(chosen.voice)
            self.voice, self.numbers["audio"] = heard.encoder, heard.numbers
            self._note(heard.card, heard.sha256)
        else:
            self.voice = _learner("voice", audio_encoder(chosen.voice), chosen.voice)
        if chosen.face_training is None:
            seen = frozen.face(chosen.face)
            self.face, self.numbers["face"] = seen.encoder, seen.numbers
            self._note(seen.card, seen.sha256)
        else:
            self.face = _learner("face", video_encoder(chosen.face), chosen.face)

    @property
    def widths(self) -> Mapping[str, int]:
        """Of the tokens, as a fusion model is told; there is none of what is not encoded."""
        return {
            name: encoder.width
            for name, encoder in (("audio_width", self.voice), ("video_width", self.face))
            if encoder.width
        }

    def _note(self, card: Card | None, sha256: str | None) -> None:
        self.cards += [] if card is None else [card]
        self.sha256 += [] if sha256 is None else [sha256]

    def learn_voice(self, curriculum: Curriculum) -> Mapping[str, Scores]:
        """The voice's stage, if it has one; how well its encoder does alone on each dev part."""
        chosen, schedule = self._recipe, self._recipe.voice_training
        if schedule is None:
            return {}
        if chosen.voice_augmentation is not None:
            self.voice, self.epochs["voice"], found = voices_stage.learned(
                chosen,
                schedule,
                chosen.voice_augmentation,
                curriculum.classed("train"),
                curriculum.classed("dev"),
                stages=self._stages,
                progress=self._progress,
                device=self._device,
            )
            return dict(zip(curriculum.dev_voices, found, strict=True))
        # Built anew: its first weights and those of the head follow from the seed alone.
        torch.manual_seed(chosen.seed)
        encoder = self.voice = audio_encoder(chosen.voice)
        head = Head(width=encoder.width, dropout=schedule.dropout)
        dev = list(chain.from_iterable(curriculum.dev_voices.values()))

        def make(state: Path) -> None:
            following = Following(self._progress, state, lambda: self._hear(head, dev), self._device)
            train_voice(encoder, head, curriculum.voices, schedule=schedule, seed=chosen.seed, following=following)

        digest = chosen.digest("voice", "voice_training")
        self.epochs["voice"] = self._stages.run("voice", digest, {"encoder": encoder, "head": head}, make)
        return {name: self._hear(head, voices) for name, voices in curriculum.dev_voices.items()}

    def learn_face(self, curriculum: Curriculum) -> Mapping[str, Scores]:
        """The face's stage, if it has one; how well its encoder does alone on the dev part."""
        chosen, schedule = self._recipe, self._recipe.face_training
        if schedule is None:
            return {}
        torch.manual_seed(chosen.seed)
        encoder = self.face = video_encoder(chosen.face)
        head = Head(width=encoder.width, dropout=schedule.dropout)
        dev = curriculum.faces("dev")

        def make(state: Path) -> None:
            faces = curriculum.faces("train")
            following = Following(self._progress, state, lambda: self._see(head, dev), self._device)
            train_face(
                encoder,
                head,
                faces,
                schedule=schedule,
                augmentation=chosen.face_augmentation,
                seed=chosen.seed,
                following=following,
            )

        digest = chosen.digest("face", "face_training", "face_augmentation")
        self.epochs["face"] = self._stages.run("face", digest, {"encoder": encoder, "head": head}, make)
        self._seeing = head
        return {"FER2013 dev part": self._see(head, dev)}

    def held_out(self, curriculum: Curriculum) -> Mapping[str, Scores]:
        """How well a face encoder that learned here does alone on what nothing was chosen by."""
        if self._seeing is None:
            return {}
        return {"FER2013 test part": self._see(self._seeing, curriculum.faces("test"))}

    @torch.no_grad()
    def _hear(self, head: Head, voices: Sequence[Voice]) -> Scores:
        """How well the voice encoder does under its head."""
        logits = []
        for voice in voices:
            audio = torch.from_numpy(voice.audio)[None]
            logits.append(head(*self.voice.extract(audio, torch.ones_like(audio, dtype=torch.bool))))
        return _scored(torch.cat(logits), np.array([voice.label for voice in voices]))

    @torch.no_grad()
    def _see(self, head: Head, faces: FaceSet) -> Scores:
        """How well the face encoder does under its head."""
        pictures = torch.split(torch.from_numpy(faces.images), _AT_ONCE)
        cells = torch.cat([tokens.picture_tokens(self.face, part.float() / 255) for part in pictures])
        return _scored(head(cells, torch.ones(cells.shape[:2], dtype=torch.bool)), faces.labels)


def _learner(section: str, encoder: Encoder, numbers: Mapping[str, Any]) -> Encoder:
    """The encoder itself, if a training would change what a checkpoint holds of it."""
    if not any(True for _ in encoder.parameters()) or not encoder.state_dict():
        name = numbers.get("name", section)
        raise ConfigurationError(f"[{section}_training]: {name!r} has nothing to learn here; leave the section out")
    return encoder


def _scored(logits: torch.Tensor, labels: Any) -> Scores:
    return score(labels, probabilities(logits.double().numpy(), temperature=1.0))
