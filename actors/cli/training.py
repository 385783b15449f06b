"""`turntone train`: a checkpoint, or one encoder, from a recipe."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from actors.cli.options import new_folder


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as TOML, or the name of one that comes with Turntone.")],
    data: Annotated[Path, typer.Option(help="Folder of the recipe's corpora.")] = Path("data"),
    out: Annotated[
        Path | None,
        typer.Option(
            callback=new_folder,
            help="Folder of what is made, if not said runs/RECIPE and what was chosen; an interrupted one goes on.",
        ),
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="avafn, avt-ca, attsf, attsf-l2, attsf-gat, ca, tca, jca or rjca."),
    ] = None,
    gate: Annotated[
        str | None, typer.Option(metavar="dca", help="Dynamic cross-attention, upon ca, tca, jca or rjca.")
    ] = None,
    dialogue: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="avafn, or none: the fusion's own head decides each utterance alone."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Parts of the speakers by which a voice encoder is measured.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With the recipe `own`: a corpus of yours, as CSV.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--from", metavar="CHECKPOINT", help="With `own`: what is trained on; `default` if not said."),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A manifest that nothing else looks at, measured at the end for the card."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="cpu, cuda or cuda:1; if not said a GPU where there is one."),
    ] = None,
) -> None:
    """Make a checkpoint, or one face or voice encoder, from a recipe.

    --fusion, --gate and --dialogue stand above what the recipe says; its numbers stay, and one that the model does not
    have is named. Trainings of one recipe share the stages that are alike. `turntone train own --manifest FILE` goes on
    from a checkpoint with a corpus of yours: its encoders stay, its fusion and dialogue states learn. What Ctrl-C or a
    kill interrupts goes on with the same command to the same result.
    """
    from engine.training.recipe import FOLDER

    shipped = FOLDER / f"{recipe.name}.toml"
    path = shipped if not recipe.is_file() and shipped.is_file() else recipe
    kind = _kind(path)
    given = {
        "--fusion": fusion,
        "--gate": gate,
        "--dialogue": dialogue,
        "--folds": folds,
        "--manifest": manifest,
        "--from": base,
        "--test": test,
        "--seed": seed,
        "--device": device,
    }
    _only_what_it_takes(path, kind, [name for name, value in given.items() if value is not None])
    choices = [name for name in (fusion, gate, dialogue, seed if seed is None else f"seed{seed}") if name is not None]
    folder = out or Path("runs") / "-".join([recipe.stem, *choices])
    with _resumable(folder):
        if kind == "voice encoder":
            _train_voice(path, folder, data, folds, seed, device)
        elif kind == "face encoder":
            _train_face(path, folder, data, test)
        elif kind == "own":
            _train_own(path, folder, manifest, base or "default", test, seed, device)
        else:
            stages = Path("runs") / recipe.stem / "stages" if out is None else None
            chosen = {"fusion": fusion, "gate": gate, "dialogue": dialogue}
            _train_checkpoint(path, folder, data, stages, test, seed, device, chosen)


_TAKES = {
    "checkpoint": ("--fusion", "--gate", "--dialogue", "--test", "--seed", "--device"),
    "own": ("--manifest", "--from", "--test", "--seed", "--device"),
    "voice encoder": ("--folds", "--seed", "--device"),
    "face encoder": ("--test",),
}
_INSTEAD = {
    ("voice encoder", "--test"): (
        "; it measures by folds of speakers, and no encoder of those is the one to test: name the same encoder and "
        "training in a recipe of a checkpoint, [voice] and [voice_training] of default.toml, and say --test there"
    )
}
"""What to do, where that is not plain."""


def _kind(recipe: Path) -> str:
    from engine.training.own import recipe as own
    from engine.training.recognition import recipe as faces
    from engine.training.voices import recipe as voices

    kinds = {"own": own.describes, "voice encoder": voices.describes, "face encoder": faces.describes}
    return next((kind for kind, describes in kinds.items() if describes(recipe)), "checkpoint")


def _only_what_it_takes(recipe: Path, kind: str, given: list[str]) -> None:
    from engine.errors import ConfigurationError

    takes = _TAKES[kind]
    for name in given:
        if name not in takes:
            rest = ", ".join(takes)
            raise ConfigurationError(
                f"{name} means nothing to {recipe.name}, a recipe of kind {kind!r}: it takes {rest}"
                + _INSTEAD.get((kind, name), "")
            )


@contextmanager
def _resumable(out: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; the same command goes on from what lies in {out}", err=True)
        raise typer.Exit(130) from None


def _train_checkpoint(
    recipe: Path,
    out: Path,
    data: Path,
    stages: Path | None,
    test: Path | None,
    seed: int | None,
    device: str | None,
    choices: Mapping[str, str | None],
) -> None:
    from engine.training.fitting.device import device as placed
    from engine.training.recipe import load
    from engine.training.train import in_terminal
    from engine.training.train import train as make

    chosen = load(recipe).choosing(**choices)
    chosen = chosen if seed is None else chosen.model_copy(update={"seed": seed})
    bar, progress = in_terminal()
    with bar:
        make(chosen, out, data=data, progress=progress, stages=stages, test=test, device=placed(device))
    typer.echo(f"{out}: see its README.md, and `turntone model show {out}`")


def _train_own(
    recipe: Path,
    out: Path,
    manifest: Path | None,
    base: str,
    test: Path | None,
    seed: int | None,
    device: str | None,
) -> None:
    from engine.errors import ConfigurationError
    from engine.training.fitting.device import device as placed
    from engine.training.own.recipe import load
    from engine.training.own.train import train as make
    from engine.training.train import in_terminal

    if manifest is None:
        raise ConfigurationError(f"{recipe.name} trains on a corpus of yours: name it with --manifest FILE.csv")
    chosen = load(recipe)
    chosen = chosen if seed is None else chosen.model_copy(update={"seed": seed})
    bar, progress = in_terminal()
    with bar:
        make(chosen, manifest, out, base=base, test=test, progress=progress, device=placed(device))
    typer.echo(f"{out}: see its README.md; `turntone up --checkpoint {out}` serves it")


def _train_face(recipe: Path, out: Path, data: Path, test: Path | None) -> None:
    from engine.training.recognition.run import Report
    from engine.training.recognition.run import train as make
    from engine.training.train import in_terminal

    bar, progress = in_terminal()
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        with bar:
            report = Report(step=partial(progress, recipe.stem), line=bar.console.print)
            finished = make(recipe, out, data=data, report=report, stop=lambda: bool(asked), test=test)
    finally:
        signal.signal(signal.SIGINT, before)
    if not finished:
        typer.echo(f"stopped; the same command goes on from what lies in {out}", err=True)
        raise typer.Exit(130)
    typer.echo(f"{out}: see its README.md")


def _train_voice(recipe: Path, out: Path, data: Path, folds: int | None, seed: int | None, device: str | None) -> None:
    from engine.training.fitting.device import device as placed
    from engine.training.train import in_terminal
    from engine.training.voices.recipe import load
    from engine.training.voices.train import train as make

    chosen = load(recipe).by_folds(folds)
    chosen = chosen if seed is None else chosen.model_copy(update={"seed": seed})
    bar, progress = in_terminal()
    with bar:
        text = make(chosen, out, data=data, progress=progress, device=placed(device))
    typer.echo(f"{text}\n{out}: see its README.md")
