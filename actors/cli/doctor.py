"""`turntone doctor`: what this machine lacks."""

import json as jsonlib
from dataclasses import asdict

import typer

from actors.cli.options import AsJson, ConfigFile

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(json: AsJson = False, config_file: ConfigFile = None) -> None:
    """Say what this machine lacks.

    Each finding says what to do about it. Exit code 1 if Turntone cannot run.
    """
    from actors.doctor import examine
    from engine.config import read_config

    config = read_config(config_file)
    findings = examine(data=config.data.expanduser(), checkpoint=config.model.checkpoint)
    for finding in findings:
        if json:
            typer.echo(jsonlib.dumps(asdict(finding)))
            continue
        typer.secho(f"{finding.status:5}", fg=_COLOURS[finding.status], nl=False)
        typer.echo(f"{finding.name:18} {finding.sentence} {finding.remedy}".rstrip())
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)
