"""How far a recording has been listened to: a bar with the time that is left, and what had to be left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from simulators.corpus import Skipped


class Listening:
    """Shows a bar on a terminal, on the same console as everything else that is shown there.

    total_s: seconds of all recordings; None: nobody knows.
    """

    def __init__(self, *, total_s: float | None, shown: "Console") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.reached_s = 0.0
        self.skipped: list[Skipped] = []
        console = shown if shown.is_terminal else Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.fields[reached]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("listening", total=total_s, reached="")
        self._whole = "" if total_s is None else f" of {_minutes(total_s)}"

    @contextmanager
    def shown(self) -> Iterator["Listening"]:
        """Show the bar for as long as the block lasts."""
        with self._bar:
            yield self

    def listened(self, reached_s: float) -> None:
        """So many seconds of all recordings have been read."""
        if int(reached_s) > int(self.reached_s):
            self._bar.update(self._task, completed=reached_s, reached=f"{_minutes(reached_s)}{self._whole}")
        self.reached_s = reached_s

    def skip(self, skipped: "Skipped") -> None:
        """Something is left out."""
        self.skipped.append(skipped)
        typer.echo(f"skipped {skipped.name}: {skipped.reason}", err=True)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
