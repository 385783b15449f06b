"""`turntone model`: what a checkpoint is, and whether it is whole."""

import json as jsonlib
from typing import Annotated

import typer

from actors.cli.options import AsJson

app = typer.Typer(help="What a checkpoint is.", no_args_is_help=True)

Checkpoint = Annotated[str, typer.Argument(help="A folder, a hub id, or `default`.")]


@app.command()
def show(checkpoint: Checkpoint = "default", json: AsJson = False) -> None:
    """Show what a checkpoint computes, what it was trained on, how well it does, and its licence."""
    from engine.artifact import find, read

    artifact = read(find(checkpoint))
    numbers = sum(tensor.numel() for tensor in artifact.tensors.values())
    if json:
        stated = {"parameters": numbers, "licence": artifact.licence, **artifact.config}
        typer.echo(jsonlib.dumps({**stated, "model_id": artifact.model_id}))
        return
    typer.echo(f"checkpoint {artifact.model_id} in {artifact.folder}")
    typer.echo(f"licence    {artifact.licence}")
    typer.echo(f"parameters {numbers:,}")
    for name, value in artifact.config.items():
        typer.echo(f"{name}: {jsonlib.dumps(value, indent=2) if isinstance(value, dict) else jsonlib.dumps(value)}")


@app.command()
def verify(checkpoint: Checkpoint = "default") -> None:
    """Check that a checkpoint's files give the id they state, and that its parts load. Exit code 1 if not."""
    from engine.artifact import find, read
    from engine.models import load_models

    artifact = read(find(checkpoint))
    if artifact.config.get("model_id") is None:
        typer.echo(f"{artifact.folder} states no id to compare with; its files give {artifact.model_id}", err=True)
        raise typer.Exit(1)
    load_models(artifact, explain=False, device="cpu")
    typer.echo(f"{artifact.folder} is whole: {artifact.model_id}, {len(artifact.tensors)} tensors, all parts load")
