"""One run: every fold and member of a recipe trained, and asked about the voices that were held out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.training.fitting.device import CPU
from engine.training.fitting.fit import Following
from engine.training.voices import answers
from engine.training.voices.answers import Answer, as_emotions
from engine.training.voices.classifier import untrained
from engine.training.voices.folds import Part, Split, split
from engine.training.voices.learning import learn
from engine.training.voices.material import Corpus, read
from engine.training.voices.recipe import VoiceRecipe

WEIGHTS, STATE, ANSWERS, EPOCHS = "model.safetensors", "epochs.state", "answers.csv", "epochs.csv"

Progress = Callable[[int, int, float], None]
"""Steps done and in all, over every fold and member; the last loss."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run says: for every member the answers to all test voices."""

    corpora: Sequence[Corpus]
    split: Split
    members: tuple[tuple[Answer, ...], ...]


def run(recipe: VoiceRecipe, out: Path, *, data: Path, progress: Progress, device: torch.device = CPU) -> Run:
    """Train what is not there yet in `out`; after a kill the same call goes on from the last epoch to the same answers.

    Every fold and member has a folder under a name that stands for the recipe, so another recipe begins anew. The
    encoder's tensors lie in it as well. Raises `ConfigurationError`: a corpus is not there, or has too few speakers.
    """
    corpora = read(recipe.corpora, data=data)
    parted = split(corpora, recipe.protocol)
    units = list(product(range(recipe.training.members), range(len(parted.folds))))
    sizes = [sum(len(part.train) for part in parts) // recipe.training.batch for parts in parted.folds]
    steps = [recipe.training.epochs * sizes[fold] for _, fold in units]
    members: list[list[Answer]] = [[] for _ in range(recipe.training.members)]
    for place, (member, fold) in enumerate(units):
        folder = out / recipe.digest() / f"fold-{fold + 1}-member-{member + 1}"
        before, whole = sum(steps[:place]), sum(steps)

        def moved(done: int, loss: float, before: int = before, whole: int = whole) -> None:
            progress(before + done, whole, loss)

        members[member] += _unit(
            recipe, parted.folds[fold], folder, seed=recipe.seed + member, moved=moved, device=device
        )
    return Run(corpora, parted, tuple(tuple(one) for one in members))


def _unit(
    recipe: VoiceRecipe,
    parts: Sequence[Part],
    folder: Path,
    *,
    seed: int,
    moved: Callable[[int, float], None],
    device: torch.device,
) -> list[Answer]:
    if not (folder / ANSWERS).is_file():
        classes = [len(part.corpus.classes) for part in parts]
        classifier = untrained(recipe.voice_encoder, classes, dropout=recipe.training.dropout, seed=seed)
        learned = [replace(part.corpus, voices=part.train) for part in parts]
        held = [replace(part.corpus, voices=part.test) for part in parts]
        # Who is measured must not be looked at on the way: only where a recipe is chosen.
        dev = (lambda: as_emotions(classifier, held, held)) if recipe.protocol.name == "choosing" else None
        learn(
            classifier,
            learned,
            schedule=recipe.training,
            augmentation=recipe.augmentation,
            seed=seed,
            following=Following(lambda _, done, __, loss: moved(done, loss), folder / STATE, dev, device),
        )
        tensors = classifier.encoder.state_dict()
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS)
        answers.write(folder / ANSWERS, answers.ask(classifier, parts))
        (folder / STATE).unlink()
    return answers.read(folder / ANSWERS)
