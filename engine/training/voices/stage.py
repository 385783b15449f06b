"""The voice's stage of a checkpoint: its encoder under a head for each corpus that the recipe names."""

from collections.abc import Sequence
from pathlib import Path

import torch

from engine.training.fitting.fit import Following, Progress
from engine.training.fitting.stages import Stages
from engine.training.recipe import Recipe, VoiceAugmentation, VoiceTraining
from engine.training.scoring.scores import Scores
from engine.training.voices.answers import as_emotions
from engine.training.voices.classifier import LearnedEncoder, untrained
from engine.training.voices.learning import learn
from engine.training.voices.material import Corpus


def learned(
    chosen: Recipe,
    schedule: VoiceTraining,
    augmentation: VoiceAugmentation,
    corpora: Sequence[Corpus],
    dev: Sequence[Corpus],
    *,
    stages: Stages,
    progress: Progress,
    device: torch.device,
) -> tuple[LearnedEncoder, Path, list[Scores]]:
    """The encoder, its epochs as CSV, and how well it does under its heads on each of `dev`, corpora it has heads for.

    Raises `ConfigurationError`: the recipe's encoder is none that hears log-mel.
    """
    classes = [len(corpus.classes) for corpus in corpora]
    classifier = untrained(chosen.voice, classes, dropout=schedule.dropout, seed=chosen.seed)

    def make(state: Path) -> None:
        following = Following(progress, state, lambda: as_emotions(classifier, dev, corpora), device)
        learn(
            classifier,
            corpora,
            schedule=schedule,
            augmentation=augmentation,
            seed=chosen.seed,
            following=following,
        )

    digest = chosen.digest("voice", "voice_training", "voice_augmentation")
    epochs = stages.run("voice", digest, {"classifier": classifier}, make)
    return classifier.encoder, epochs, [as_emotions(classifier, [one], corpora) for one in dev]
