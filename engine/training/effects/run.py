"""All trainings of the stages that are asked for: with everything, and with each option left out."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.training.effects import said
from engine.training.effects.said import Said

WITH_ALL = "with all"

Progress = Callable[[str, int, int], None]
"""What is trained, how many trainings are done, of how many."""


class Stage(Protocol):
    """A stage of a training, and the options it can be trained without."""

    @property
    def name(self) -> str:
        """By which it is asked for."""

    @property
    def options(self) -> Sequence[str]:
        """What can be left out."""

    @property
    def measure(self) -> str:
        """What is told of it: `accuracy` or `weighted F1`."""

    def say(self, without: str | None, folder: Path) -> Mapping[str, Said]:
        """Train without an option, None: with all; what it then says, by condition."""


def run(stage: Stage, out: Path, *, progress: Progress) -> dict[str, Mapping[str, Said]]:
    """By option left out, with `WITH_ALL` first, what the stage says; what lies in `out` is not trained again."""
    found: dict[str, Mapping[str, Said]] = {}
    units = (None, *stage.options)
    for done, without in enumerate(units):
        name = without or WITH_ALL
        folder = out / stage.name / name.replace(" ", "-")
        progress(f"{stage.name}, {'with all' if without is None else f'without {without}'}", done, len(units))
        if not (folder / "said.npz").is_file():
            said.write(folder / "said.npz", stage.say(without, folder))
        found[name] = said.read(folder / "said.npz")
    progress("", len(units), len(units))
    return found
