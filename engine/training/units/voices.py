"""What voice encoders hear in the recordings of the same performances, each fold's encoder by itself."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import ConfigurationError
from engine.features.voice import standardise
from engine.training.corpora import ravdess
from engine.training.corpora.base import existing
from engine.training.corpora.ravdess_units import Performances
from engine.training.protocols import Fold
from engine.training.voices import answers
from engine.training.voices.classifier import LearnedEncoder, learned_encoder
from engine.training.voices.material import trimmed
from engine.training.voices.recipe import VoiceRecipe
from engine.training.voices.run import ANSWERS, WEIGHTS

_RESULTS = "results.json"


def heard(run: Path, recordings: Path, performances: Performances, folds: Sequence[Fold]) -> list[NDArray[np.float32]]:
    """Mean and spread of the tokens of every performance `[N, 2 d]`, once a fold, by the encoder of that fold.

    run: the folder in which the folds of the voices lie. They have to hold out the same actors, which is looked up in
    their answers: an encoder would have heard whom it is measured on. Raises `ConfigurationError`: they hold out
    others, or are not finished.
    """
    recipe = _recipe(run)
    encoder = learned_encoder(recipe.voice_encoder).eval()
    spectra = _spectra(encoder, recordings, performances)
    found = []
    for number, fold in enumerate(folds):
        folder = run / f"fold-{number + 1}-member-1"
        _check(folder, set(performances.actors[fold.test]))
        encoder.load_state_dict(load_file(folder / WEIGHTS))
        found.append(_pooled(encoder, spectra))
    return found


def _recipe(run: Path) -> VoiceRecipe:
    path = existing(run.parent / _RESULTS, "what the voices' run found")
    try:
        return VoiceRecipe.model_validate(json.loads(path.read_text())["recipe"])
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"{path} says no recipe of a voice encoder: {error}") from error


def _check(folder: Path, held_out: set[str]) -> None:
    path = existing(folder / ANSWERS, "the answers of a fold of voices")
    asked = {answer.speaker for answer in answers.read(path) if answer.corpus == ravdess.CARD.name.lower()}
    if asked != held_out:
        raise ConfigurationError(
            f"{folder} held out the actors {sorted(asked)}, here they are {sorted(held_out)}: train the voices with"
            " the same folds and seed"
        )


def _spectra(encoder: LearnedEncoder, recordings: Path, performances: Performances) -> list[tuple[Tensor, Tensor]]:
    """Standardised log-mel of every performance and its mask, cut as the encoders' training cut it."""
    voices = {voice.name[2:]: voice for voice in ravdess.read(recordings, actors=range(1, 25))}
    found = []
    for name in performances.names:
        # The first field says whether there is a picture: 01 here, 03 in the recordings.
        voice = voices.get(f"{name[2:]}.flac")
        if voice is None:
            raise ConfigurationError(f"{recordings} has no recording of the performance {name}")
        wave = torch.from_numpy(trimmed(voice.audio))[None]
        decibels, mask = encoder.spectrum.extract(wave, torch.ones_like(wave, dtype=torch.bool))
        found.append((standardise(decibels, mask), mask))
    return found


@torch.no_grad()
def _pooled(encoder: LearnedEncoder, spectra: Sequence[tuple[Tensor, Tensor]]) -> NDArray[np.float32]:
    tokens = [encoder.encode(decibels, mask)[0][0] for decibels, mask in spectra]
    return torch.stack([torch.cat((one.mean(0), one.std(0, correction=0))) for one in tokens]).numpy()
