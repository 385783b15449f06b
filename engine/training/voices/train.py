"""A voice encoder from a recipe: trained by folds, measured, and reported in its folder."""

from pathlib import Path

import torch

from engine.training.fitting.device import CPU
from engine.training.fitting.fit import Progress
from engine.training.voices import report, results
from engine.training.voices.recipe import VoiceRecipe
from engine.training.voices.run import EPOCHS, Run, run


def train(recipe: VoiceRecipe, out: Path, *, data: Path, progress: Progress, device: torch.device = CPU) -> str:
    """Train and measure every fold of a recipe in `out`; the text of its README.

    What was done lies in `out` after every epoch: the same call goes on from there to the same figures. Raises
    `ConfigurationError` for a corpus that is not there, or has fewer speakers than folds.
    """
    out.mkdir(parents=True, exist_ok=True)

    def moved(done: int, steps: int, loss: float) -> None:
        progress(recipe.name, done, steps, loss)

    made = run(recipe, out, data=data, progress=moved, device=device)
    classes = {corpus.name: corpus.classes for corpus in made.corpora}
    table = results.rows(made.members, classes)
    unchosen = (
        results.rows(made.members, classes, without=_chosen_on(made)) if recipe.protocol.name == "speakers" else ()
    )
    logs = sorted((out / recipe.digest()).glob(f"*/{EPOCHS}"))
    return report.write(out, recipe, made.split.label, table, unchosen, logs=logs)


def _chosen_on(made: Run) -> set[tuple[str, str]]:
    """The speakers that the protocol `choosing` holds out: those of the second fold."""
    return {(part.corpus.name, voice.speaker) for part in made.split.folds[1] for voice in part.test}
