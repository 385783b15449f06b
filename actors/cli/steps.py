"""What starts and stops, a line each, on the error stream."""

import typer

from actors.progress import Step

_COLOURS = {"ready": "green", "failed": "red", "restarted": "yellow"}


def show_step(step: Step) -> None:
    """Print one step. May be called from any thread."""
    took = "" if step.took_s is None else f" after {step.took_s:.1f} s"
    note = f": {step.note}" if step.note else ""
    typer.secho(f"  {step.part:12} {step.status}{took}{note}", fg=_COLOURS.get(step.status), err=True)
