"""All rotations of a recipe: five checkpoints, each tested on three other actors."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from engine import artifact
from engine.errors import CheckpointError
from engine.training.fitting.device import CPU
from engine.training.recipe import Recipe
from engine.training.rotations.data import rotated
from engine.training.rotations.report import Rotation, rotation
from engine.training.train import train

BY = (0, 4, 8, 12, 16)
"""Places: even, and no actor is tested twice."""

Progress = Callable[[str, int, int, float], None]
"""Stage, steps done, steps in all, the last loss."""


def run(recipe: Recipe, out: Path, *, data: Path, progress: Progress, device: torch.device = CPU) -> Iterator[Rotation]:
    """Train what is not there yet in `out`, and give what each rotation's card says of the scripted test.

    After a kill the same call goes on from the last epoch. Faces are the same in all: their encoder is learned once.
    Raises `ConfigurationError`: a corpus is not there.
    """
    for by in BY:
        folder = out / f"by-{by:02d}"
        if not _finished(folder):
            stages = folder / "stages"
            stages.mkdir(parents=True, exist_ok=True)
            for face in (out / f"by-{BY[0]:02d}" / "stages").glob("face-*"):
                if by != BY[0] and not (stages / face.name).exists():
                    shutil.copy(face, stages)

            def moved(stage: str, done: int, steps: int, loss: float, by: int = by) -> None:
                progress(f"{by} up, {stage}", done, steps, loss)

            train(recipe, folder, data=rotated(data, folder / "data", by=by), progress=moved, device=device)
        yield rotation(artifact.read(folder).config["metrics"], by=by)


def _finished(folder: Path) -> bool:
    """Whether its card has the scripted test, which is read last."""
    try:
        return "scripted test" in artifact.read(folder).config["metrics"]
    except CheckpointError:
        return False
