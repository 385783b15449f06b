"""`turntone bench`: comparisons that train what they compare."""

import json as jsonlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from actors.cli.options import AsJson, new_folder

EXAMPLES = """
Examples:

  turntone bench fusion --data data --out runs/fusion

  turntone bench fusion --data data --out runs/fusion --jobs 4

  turntone bench fusion --data data --out look --task mosi --model ca --model ca+dca --seeds 1 --epochs 1

All of it takes about forty minutes of a quiet core. Stopped, the same command goes on where it was.
"""
UNITS_EXAMPLES = """
Examples:

  turntone bench units --data data --out runs/units

  turntone bench units --data data --out runs/units-heard --voices runs/voice/DIGEST

Stopped, the same command goes on where it was.
"""
EVIDENCE_EXAMPLES = """
Examples:

  turntone bench evidence meld-six --data data --out runs/evidence --choosing

  turntone bench evidence meld-six --data data --out runs/evidence

Stopped, the same command goes on where it was.
"""

ROTATIONS_EXAMPLES = """
Examples:

  turntone bench rotations --data data --out runs/rotations

Five trainings of the whole default checkpoint; about three hours of a quiet core, of which the faces are most.
Stopped, the same command goes on where it was.
"""
OPTIONS_EXAMPLES = """
Examples:

  turntone bench options --data data --out runs/options

  turntone bench options --data data --out runs/options --stage voice

Stopped, the same command goes on with the training that is missing.
"""

app = typer.Typer(help="Comparisons that train what they compare.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Comparisons that train what they compare."""


@app.command(epilog=EXAMPLES)
def fusion(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[
        Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted comparison goes on in it.")
    ],
    task: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A task, several times for several; all if not said.")
    ] = None,
    model: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A model, likewise.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often each model is trained on each task.")] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, of one thread each.")] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of each task's own, for a first look.")] = None,
    json: AsJson = False,
) -> None:
    """Train every fusion model on the same features under the same protocol, and print one table.

    Tasks: scripted, scripted-corrupted, ravdess-units, meld-six, mosi, quechua, both-needed, noisy-modality.
    Models: linear (the reference), avafn, avt-ca, attsf, attsf-l2, attsf-gat, and ca, tca, jca, rjca with and without
    +dca. The table is in OUT as table.json and table.md too, with pictures beside it.
    """
    from engine.training.comparison.contenders import MODELS
    from engine.training.comparison.plots import draw
    from engine.training.comparison.report import gather, in_terminal
    from engine.training.comparison.run import Plan, compare, measure_costs
    from engine.training.comparison.table import rendered
    from engine.training.comparison.tasks import TASKS

    plan = Plan(
        data=data,
        out=out,
        tasks=tuple(dict.fromkeys(task or TASKS)),
        models=tuple(dict.fromkeys(model or MODELS)),
        seeds=seeds,
        epochs=epochs,
    )
    bar, progress = in_terminal()
    with _resumable(out), bar:
        compare(plan, jobs=jobs, progress=progress)
        measure_costs(plan)
    chosen = [f" --task {name}" for name in task or ()] + [f" --model {name}" for name in model or ()]
    short = "" if epochs is None else f" --epochs {epochs}"
    command = f"turntone bench fusion --data {data} --out {out}{''.join(chosen)} --seeds {seeds}{short}"
    table = {"made": date.today().isoformat(), "command": command, **gather(plan)}
    text = f"# Fusion models compared, {table['made']}\n\n`{command}`\n\n{rendered(table)}"
    (out / "table.json").write_text(jsonlib.dumps(table, indent=1) + "\n")
    (out / "table.md").write_text(text)
    draw(table, out)
    if json:
        for name, asked in table["tasks"].items():
            for row in asked["rows"]:
                typer.echo(jsonlib.dumps({"task": name, **row}))
        return
    typer.echo(text)


@app.command(epilog=UNITS_EXAMPLES)
def units(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted one goes on.")],
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recipe like units.toml, if not said that one.")
    ] = None,
    voices: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where `turntone train voice` left its folds: the audio is what their encoders hear.",
        ),
    ] = None,
    choosing: Annotated[
        bool,
        typer.Option("--choosing", help="Measure inside the training part of fold 1, to choose a recipe's numbers."),
    ] = False,
    by_actor: Annotated[
        bool,
        typer.Option("--by-actor", help="Standardise each actor by all of his own performances: another protocol."),
    ] = False,
) -> None:
    """Measure a fusion model on RAVDESS's action units and audio, on actors that it did not learn from.

    Beside it logistic regression, the same model on each modality alone, and the fusion with a modality missing.
    """
    from engine.training.comparison.report import in_terminal
    from engine.training.units.recipe import SHIPPED, load
    from engine.training.units.report import write
    from engine.training.units.run import run

    chosen = load(recipe or SHIPPED).measured(voices=voices, choosing=choosing, by_actor=by_actor)
    bar, progress = in_terminal()
    with _resumable(out), bar:
        made = run(chosen, out, data=data, progress=progress)
    typer.echo(write(out, chosen, made))


@app.command(epilog=EVIDENCE_EXAMPLES)
def evidence(
    recipe: Annotated[str, typer.Argument(help="meld-six or meld-embeddings.")],
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted one goes on.")],
    choosing: Annotated[
        bool, typer.Option("--choosing", help="Choose a setting on the training part; the test part is not read.")
    ] = False,
) -> None:
    """Measure causal AVAFN over a linear front, beside the front alone and the same without history.

    A setting is chosen by dialogues of the training part; then the test part is read, once.
    """
    import torch

    from engine.training.evidence.recipe import load
    from engine.training.evidence.run import make_choice, read_once
    from engine.training.evidence.table import as_markdown

    # In another order of its sums the same seed learns something else.
    torch.set_num_threads(1)
    chosen, told = load(recipe), partial(typer.echo, err=True)
    with _resumable(out):
        picked = make_choice(recipe, chosen, out, data=data, told=told)
        if choosing:
            typer.echo("\n".join(f"fold {fold}: {setting}" for fold, setting in picked.items()))
            return
        measured = read_once(recipe, chosen, picked, out, data=data, told=told)
    typer.echo(as_markdown(measured))


@app.command(epilog=ROTATIONS_EXAMPLES)
def rotations(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted one goes on.")],
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recipe like default.toml, if not said that one.")
    ] = None,
) -> None:
    """Train and test a recipe five times, each time with other RAVDESS actors in every part.

    Three voices say little of a fourth: the table has fifteen.
    """
    from engine.training.recipe import FOLDER, load
    from engine.training.rotations.report import as_markdown
    from engine.training.rotations.run import run
    from engine.training.train import in_terminal

    chosen = load(recipe or FOLDER / "default.toml")
    bar, progress = in_terminal()
    with _resumable(out), bar:
        made = list(run(chosen, out, data=data, progress=progress))
    text = as_markdown(made)
    (out / "results.json").write_text(jsonlib.dumps([asdict(one) for one in made], indent=1, allow_nan=False) + "\n")
    (out / "README.md").write_text(text)
    typer.echo(text)


@app.command(epilog=OPTIONS_EXAMPLES)
def options(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option(callback=new_folder, help="Folder of the results; an interrupted one goes on.")],
    stage: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="voice, face or dialogues, several times for several.")
    ] = None,
) -> None:
    """Measure what each option of the default training adds: augmentation, modality dropout, smoothing, balancing.

    Every stage is trained shortly with all of them, and once without each; what is told is the difference, on what is
    held out for choosing.
    """
    from engine.training.comparison.report import in_terminal
    from engine.training.effects.report import as_json, as_markdown, effects
    from engine.training.effects.run import run
    from engine.training.effects.stages import STAGES, named

    for name in dict.fromkeys(stage or STAGES):
        chosen = named(name, data=data)
        bar, progress = in_terminal()
        with _resumable(out), bar:
            found = run(chosen, out, progress=progress)
        rows = effects(found, measure=chosen.measure)
        table = as_json(name, rows, measure=chosen.measure)
        text = as_markdown(name, rows, measure=chosen.measure)
        (out / f"{name}.json").write_text(jsonlib.dumps(table, indent=1, allow_nan=False) + "\n")
        (out / f"{name}.md").write_text(text)
        typer.echo(text)


@contextmanager
def _resumable(out: Path) -> Iterator[None]:
    """What Ctrl-C interrupts says how it goes on."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on from what lies in {out}", err=True)
        raise typer.Exit(130) from None
