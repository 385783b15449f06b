"""`turntone model`: what a model is made of and costs, and whether a checkpoint is whole."""

import json as jsonlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actors.cli.options import AsJson

if TYPE_CHECKING:
    from actors.cli.costs import Cost

app = typer.Typer(help="What a model is made of, and what a checkpoint is.", no_args_is_help=True)

Checkpoint = Annotated[str, typer.Argument(help="A folder, a hub id, `default` or `open`.")]


@app.command()
def show(
    checkpoint: Annotated[str | None, typer.Argument(help="A folder, a hub id, `default` or `open`.")] = None,
    fusion: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A fusion model instead, at its paper's numbers; see `model fusions`."),
    ] = None,
    gate: Annotated[
        str | None, typer.Option(metavar="dca", help="Dynamic cross-attention, upon ca, tca, jca or rjca.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Show a checkpoint's parts, their parameters and cost, its data, how well it does, and its licence.

    With --fusion, the same of an architecture that nobody trained: no weights are read, and nothing is said of how well
    it does. Costs are multiply-adds of one utterance computed alone.
    """
    if fusion is None and gate is not None:
        raise typer.BadParameter("--gate stands upon a model that --fusion names")
    if fusion is not None and checkpoint is not None:
        raise typer.BadParameter("name a checkpoint or a --fusion, not both")
    if fusion is not None:
        _architecture(fusion if gate is None else f"{fusion}+{gate}", json=json)
    else:
        _checkpoint(checkpoint or "default", json=json)


@app.command()
def fusions(json: AsJson = False) -> None:
    """List the fusion models by name, each with its parameters and its cost at its paper's numbers."""
    from actors.cli.costs import of_paper, reading
    from engine.fusion.builders import NAMES

    costs = [of_paper(name)[0] for name in NAMES]
    if json:
        for cost in costs:
            typer.echo(jsonlib.dumps(asdict(cost)))
        return
    typer.echo(f"{'name':10} {'parameters':>12} {'multiply-adds':>15}  of what a paper gives it to read")
    for cost in costs:
        typer.echo(f"{cost.model:10} {cost.parameters:12,} {cost.macs:15,}  {reading(cost.model).source}")


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


def _checkpoint(name: str, *, json: bool) -> None:
    from actors.cli.costs import FACES, VOICE_S, of_checkpoint
    from engine.artifact import find, read
    from engine.parts import load

    artifact = read(find(name))
    costs = of_checkpoint(load(artifact), artifact.config)
    numbers = sum(cost.parameters for cost in costs)
    utterance = {"voice_s": VOICE_S, "faces": FACES, "participants": 2}
    if json:
        stated: Mapping[str, Any] = {"parameters": numbers, "licence": artifact.licence, **artifact.config}
        typer.echo(jsonlib.dumps({**stated, "model_id": artifact.model_id, **_as_json(costs, utterance)}))
        return
    typer.echo(f"checkpoint {artifact.model_id} in {artifact.folder}")
    typer.echo(f"licence    {artifact.licence}")
    typer.echo(f"parameters {numbers:,}\n")
    _table(costs)
    typer.echo(
        f"multiply-adds of {VOICE_S:g} s of voice and {FACES} faces, one turn in a dialogue of two;\n"
        "an event that says what counted, voice or face, runs fusion and dialogue three times\n"
    )
    for key, value in artifact.config.items():
        typer.echo(f"{key}: {jsonlib.dumps(value, indent=2) if isinstance(value, dict) else jsonlib.dumps(value)}")


def _architecture(name: str, *, json: bool) -> None:
    from actors.cli.costs import of_paper, reading

    costs, read = of_paper(name), reading(name)
    if json:
        typer.echo(jsonlib.dumps({"fusion": name, "trained": False, **_as_json(costs, asdict(read))}))
        return
    typer.echo(f"{name}: an architecture at its paper's numbers, not a trained model\n")
    _table(costs)
    typer.echo(
        f"multiply-adds of one utterance, a turn in a dialogue of two; it reads {_tokens(read.audio)} of voice and\n"
        f"{_tokens(read.video)} of face: {read.source}"
    )


def _table(costs: "Sequence[Cost]") -> None:
    typer.echo(f"{'part':16} {'model':14} {'parameters':>12} {'multiply-adds':>15}")
    for cost in costs:
        typer.echo(f"{cost.part:16} {cost.model:14} {cost.parameters:12,} {cost.macs:15,}")
        if len(cost.inside) > 1:
            for name, parameters in cost.inside.items():
                typer.echo(f"  {name:14} {'':14} {parameters:12,}")


def _as_json(costs: "Sequence[Cost]", utterance: Mapping[str, Any]) -> dict[str, Any]:
    return {"parts": [asdict(cost) for cost in costs], "utterance": utterance}


def _tokens(shape: tuple[int, int]) -> str:
    count, width = shape
    return f"{count} token{'s' if count > 1 else ''} of {width}"
