"""The command line: `turntone`, one file a command or family of commands."""

import warnings
from collections.abc import Sequence

import typer

from engine.errors import TurntoneError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 good, 1 the work failed, 2 wrong usage."""
    from actors.cli.app import app

    # webrtcvad still finds its version through pkg_resources; nobody at the command line can do anything about it.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except TurntoneError as error:
        typer.secho(str(error), err=True, fg="red")
        return 1
    return 0
